/// What a process and its descendants may use in all. nil: no bound of its own (an ancestor's still holds).
package struct ResourceBudget: Sendable, Hashable {
    package var limits: [BudgetItem: Int64]

    package init(_ limits: [BudgetItem: Int64] = [:]) { self.limits = limits }

    package subscript(item: BudgetItem) -> Int64? {
        get { limits[item] }
        set { limits[item] = newValue }
    }

    /// What a root gets when nobody says otherwise.
    package static let standard = ResourceBudget([.toolCalls: 256, .childProcesses: 16, .materializedTokens: 65_536])

    /// What a child gets when nobody says otherwise: half of the calls, at least one, and half of the children.
    package var halved: ResourceBudget {
        var child = self
        if let calls = limits[.toolCalls] { child[.toolCalls] = max(1, calls / 2) }
        if let children = limits[.childProcesses] { child[.childProcesses] = children / 2 }
        return child
    }
}

package enum BudgetItem: String, Sendable, CaseIterable, Hashable {
    case toolCalls = "max_tool_calls"
    /// Every child ever made counts, ended ones too.
    case childProcesses = "max_child_processes"
    case runtimeSeconds = "max_runtime_seconds"
    /// A width, not an amount that is used up: tokens of memory in one model request.
    case materializedTokens = "max_materialized_tokens"
    case modelCalls = "max_llm_calls"
    case modelTokens = "max_llm_total_tokens"
    case subprocessWallMilliseconds = "max_subprocess_wall_milliseconds"
    case subprocessCPUMilliseconds = "max_subprocess_cpu_milliseconds"

    /// Charged to the process and every ancestor.
    package var isConsumed: Bool { self != .materializedTokens }
}

/// What was used so far, by the process itself and by everything below it.
package struct ResourceUsage: Sendable, Hashable {
    package var amounts: [BudgetItem: Int64]

    package init(_ amounts: [BudgetItem: Int64] = [:]) { self.amounts = amounts }

    package subscript(item: BudgetItem) -> Int64 {
        get { amounts[item] ?? 0 }
        set { amounts[item] = newValue }
    }
}
