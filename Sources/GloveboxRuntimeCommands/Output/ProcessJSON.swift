internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

extension AgentProcess {
    /// Keys of `glovebox.process/1`.
    var members: [JSONMember] {
        [
            JSONMember("pid", .string(id.text)), JSONMember("parent", .optional(parent?.text)), JSONMember("image", .string(image)),
            JSONMember("status", .string(status.rawValue)), JSONMember("goal_oid", .optional(goal?.text)),
            JSONMember("working_directory", .string(workingDirectory)),
            JSONMember("tools", .strings(toolTable.keys.sorted(by: utf8Precedes))),
            JSONMember("budget", Self.amounts(budget.limits)), JSONMember("usage", Self.amounts(usage.amounts)),
            JSONMember("wait", wait?.json ?? .null), JSONMember("pause", pause.map { .string($0.text) } ?? .null),
            JSONMember("outcome", outcome?.json ?? .null), JSONMember("status_message", .optional(statusMessage)),
            JSONMember("generation", .int(generation)), JSONMember("created_at", .string(createdAt.description)),
            JSONMember("updated_at", .string(updatedAt.description)),
        ]
    }

    private static func amounts(_ amounts: [BudgetItem: Int64]) -> JSONValue {
        .object(BudgetItem.allCases.compactMap { item in amounts[item].map { JSONMember(item.rawValue, .int($0)) } })
    }

    /// Half a sentence about why it does not run.
    var standing: String {
        if let outcome { return outcome.text }
        if let pause { return "paused: \(pause.text)" }
        if let wait { return wait.text }
        return statusMessage ?? ""
    }
}

extension WaitState {
    var json: JSONValue {
        switch self {
        case .human(let ids): .object(["kind": .string("human"), "request_ids": .strings(ids.map(\.text).sorted())])
        case .child(let child): .object(["kind": .string("child"), "pid": .string(child.text)])
        case .message: .object(["kind": .string("message")])
        }
    }

    var text: String {
        switch self {
        case .human(let ids): "waits for a person: \(ids.map(\.text).sorted().joined(separator: ", "))"
        case .child(let child): "waits for \(child)"
        case .message: "waits for a message"
        }
    }
}

extension PauseReason {
    var text: String {
        switch self {
        case .signal(let reason): reason ?? "by a signal"
        case .interrupted: "the runtime ended while it ran; nothing was repeated"
        }
    }
}

extension ProcessOutcome {
    var text: String {
        switch self {
        case .result(let object): "left \(object)"
        case .message(let words): words
        case .failure(let reason): reason
        case .signal(let signal, let reason): "ended by \(signal.rawValue)" + (reason.map { ": \($0)" } ?? "")
        case .budget(let item): "its budget \(item.rawValue) is used up"
        }
    }

    var json: JSONValue {
        switch self {
        case .result(let object): .object(["kind": .string("result"), "oid": .string(object.text)])
        case .message(let words): .object(["kind": .string("message"), "message": .string(words)])
        case .failure(let reason): .object(["kind": .string("failure"), "reason": .string(reason)])
        case .signal(let signal, let reason):
            .object(["kind": .string("signal"), "signal": .string(signal.rawValue), "reason": .optional(reason)])
        case .budget(let item): .object(["kind": .string("budget"), "item": .string(item.rawValue)])
        }
    }
}

extension StoreReading {
    /// A process's goal in its own words; nil when it is not text.
    func goalText(of process: AgentProcess) throws(LibOSError) -> String? {
        guard let goal = process.goal, case .string(let text)? = try object(goal)?.payload["text"] else { return nil }
        return text
    }
}
