package import LibOSModel

/// How much a child may use: never more than what its parent still has.
package enum ChildBudget {
    /// The asked budget when it fits, half of the parent's, cut to what is left, when none was asked for. Throws `limit` when it
    /// does not fit or the parent has nothing left to give.
    package static func of(_ asked: ResourceBudget?, under parent: AgentProcess) throws(LibOSError) -> ResourceBudget {
        var budget = asked ?? parent.budget.halved
        for item in BudgetItem.allCases {
            guard let limit = parent.budget[item] else { continue }
            let left = item.isConsumed ? max(0, limit - parent.usage[item]) : limit
            // The child's own creation takes one of its parent's children.
            let remaining = item == .childProcesses ? max(0, left - 1) : left
            if let wanted = budget[item] {
                if asked != nil, wanted > remaining || wanted < 0 { throw tooMuch(item, wanted, remaining, parent) }
                budget[item] = min(wanted, remaining)
            } else if !item.isConsumed {
                budget[item] = limit
            }
            if item == .toolCalls, remaining == 0 { throw tooMuch(item, 1, 0, parent) }
        }
        return budget
    }

    private static func tooMuch(_ item: BudgetItem, _ wanted: Int64, _ remaining: Int64, _ parent: AgentProcess) -> LibOSError {
        LibOSError(
            .limit, "a child's \(item.rawValue) of \(wanted) does not fit into what process \(parent.id) has left, \(remaining)",
            mend: "ask for less, or give the parent a larger budget",
            denial: Denial(layer: .budget, rule: "\(item.rawValue) of \(parent.id)", reason: "the parent has \(remaining) left"))
    }
}
