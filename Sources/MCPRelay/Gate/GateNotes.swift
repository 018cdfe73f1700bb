internal import LibOSModel
internal import ModelContextProtocol
internal import SandboxLauncher
internal import StrictJSON

extension RuntimeToolGate {
    package func noted(_ note: RelayNote) {
        let (process, server) = (session.process, session.resources.server)
        let action: String
        let decision: JSONValue
        switch note {
        case .dropped(let drop, let side, let id):
            action = "mcp.message_dropped"
            decision = .object([
                "rule": .string(drop.rawValue), "from": .string(side.rawValue),
                "id": .optional(id.map { printable(String($0.text.prefix(128))) }),
                "reason": .string(drop.reason),
            ])
            say("glovebox: a message of the \(side.rawValue) was dropped: \(drop.reason)")
        case .violation(let violation):
            action = "sandbox.violation"
            decision = violation.fact
        case .suppressed(let count, let kind):
            action = "mcp.message_dropped"
            decision = .object([
                "rule": .string(kind), "count": .int(Int64(count)), "reason": .string("\(count) more of \(kind), not noted one by one"),
            ])
        case .violationsLeftOut(let count, let kind):
            action = "sandbox.violations_left_out"
            let reason =
                count.map { "\($0) times something of \(kind) happened that is not on record one by one" }
                ?? "so much of \(kind) happened that from here on not all of it is on record; the server's end says how much is not"
            decision = .object([
                "kind": .string(kind), "count": count.map { .int(Int64(clamping: $0)) } ?? .null, "reason": .string(reason),
            ])
            if count == nil { say("glovebox: \(reason)") }
        }
        records.enqueue { transaction, _ throws(LibOSError) in
            try transaction.append(
                AuditEntry(actor: process.text, action: action, target: "mcp_server:\(server)", decision: decision))
        }
    }
}

extension Violation {
    /// As audit records have it.
    var fact: JSONValue {
        .object([
            "layer": .string(layer), "syscall": .string(syscall), "arguments": .string(printable(arguments)),
            "program": .string(printable(program)), "answer": .string(answer), "reason": .string(printable(reason)),
            "rule": .optional(rule), "allowed_by": .optional(allowedBy),
        ])
    }
}
