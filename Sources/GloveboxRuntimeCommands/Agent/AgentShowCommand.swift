internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct AgentShowCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one process: what it may do, what it did, what it waits for.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @OptionGroup var options: StoreOptions

    private struct Facts: Sendable {
        var process: AgentProcess
        var goal: String?
        var capabilities: [CapabilityRecord]
        var pending: PendingAction?
        var children: [AgentProcess]
        var calls: [ToolCallRecord]
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try ProcessID.typed(pid)
        let facts = try await options.reading { store throws(LibOSError) in
            let process = try store.existingProcess(id)
            return Facts(
                process: process, goal: try store.goalText(of: process), capabilities: try store.capabilities(of: id),
                pending: try store.pendingAction(of: id), children: try store.children(of: id),
                calls: try store.toolCalls(of: id, state: nil, limit: 20))
        }
        if options.json { print(json: facts) } else { print(text: facts) }
        return ExitStatus.success
    }

    private func print(json facts: Facts) {
        Document.print(
            "process/1",
            facts.process.members + [
                JSONMember("goal", .optional(facts.goal)), JSONMember("pending_action", facts.pending?.action ?? .null),
                JSONMember("children", .strings(facts.children.map(\.id.text))),
                JSONMember("capabilities", .array(facts.capabilities.map(\.json))),
                JSONMember("recent_calls", .array(facts.calls.map { .object($0.members) })),
            ])
    }

    private func print(text facts: Facts) {
        let process = facts.process
        var lines = ["\(process.id)  \(process.status.rawValue)"]
        func line(_ name: String, _ text: String) { lines.append("  \(name.padded(to: 12))\(SafeText.line(text))") }
        if !process.standing.isEmpty { line("why", process.standing) }
        if let goal = facts.goal { line("goal", goal) }
        line("image", process.image)
        if let parent = process.parent { line("parent", parent.text) }
        line("directory", process.workingDirectory)
        for item in BudgetItem.allCases where process.budget[item] != nil && item.isConsumed {
            line("budget", "\(item.rawValue) \(process.usage[item]) of \(process.budget[item] ?? 0)")
        }
        if let pending = facts.pending { line("pending", pending.action.canonicalText) }
        for child in facts.children { line("child", "\(child.id)  \(child.status.rawValue)") }
        line("tools", process.toolTable.keys.sorted(by: utf8Precedes).joined(separator: " "))
        for record in facts.capabilities where record.status == .active && record.resource.kind != .object {
            line("capability", record.line)
        }
        for call in facts.calls.reversed() { line("call", "\(call.id)  \(call.toolName)  \(call.state.rawValue)") }
        Console.print(lines.joined(separator: "\n"))
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
