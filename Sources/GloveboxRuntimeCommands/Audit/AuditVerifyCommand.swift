internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import SQLiteRuntimeStore
internal import StrictJSON

struct AuditVerifyCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the chain of all audit records; name the first bad one.",
        discussion: """
            Note the last hash elsewhere: given with --contains later, it shows that nothing up to it was changed or cut off. \
            Exit codes: 0 whole; 1 not.
            """)

    @Option(help: ArgumentHelp("A hash that must be in the chain.", valueName: "hash")) var contains: String?
    @OptionGroup var options: StoreOptions

    private static let page = 1_000

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let wanted = contains
        let (result, isThere) = try await options.withReader { store in
            let result = try await store.verifyAudit()
            guard let wanted, result.isWhole else { return (result, true) }
            var after: Int64 = 0
            while true {
                let from = after
                let page = try await store.read { store throws(LibOSError) in
                    try store.audit(AuditQuery(after: from, limit: Self.page))
                }
                if page.contains(where: { $0.hash == wanted }) { return (result, true) }
                guard let last = page.last else { return (result, false) }
                after = last.sequence
            }
        }
        if options.json {
            Document.print(
                "audit_verification/1",
                [
                    JSONMember("whole", .bool(result.isWhole && isThere)), JSONMember("verified", .int(result.verified)),
                    JSONMember("head_hash", .string(result.headHash)), JSONMember("dropped", .int(result.dropped)),
                    JSONMember("contains", wanted == nil ? .null : .bool(isThere)),
                    JSONMember("fault", result.fault.map(\.json) ?? .null),
                ])
        } else if let fault = result.fault {
            Console.print(SafeText.line("broken: \(fault)"))
            Console.print("whole up to record \(result.verified), \(result.headHash)")
        } else if !isThere {
            Console.print("the chain is whole, but the given hash is not in it: it is another chain, or its end was cut off")
        } else {
            let dropped = result.dropped > 0 ? ", the content of \(result.dropped) dropped by retention" : ""
            Console.print("whole: \(result.verified) records\(dropped)\nlast hash: \(result.headHash)")
        }
        return result.isWhole && isThere ? ExitStatus.success : ExitStatus.negative
    }
}

extension AuditFault {
    fileprivate var json: JSONValue {
        .object([
            "sequence": .int(sequence), "record": .optional(record), "kind": .string(kind.rawValue), "reason": .string(reason),
        ])
    }
}
