internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    static let human: [String: SyscallEntry] = [
        "human.ask": SyscallEntry(
            ["question", "context", "human"], needs: { _, arguments throws(LibOSError) in [try humanNeed(arguments)] },
            body: { scope, arguments throws(LibOSError) in
                let text = try arguments.requiredText("question")
                let context = arguments.value("context") ?? .object([])
                return try answered(scope, isSame: { $0 == .question(text: text, context: context) }) { scope throws(LibOSError) in
                    try scope.runtime.humans.ask(
                        text, context: context, human: try humanName(arguments), by: scope.origin, in: scope.transaction)
                } result: { id, decision in
                    .object(["request_id": .string(id.text), "answer": .optional(decision.answer)])
                }
            }),
        "human.request_permission": SyscallEntry(
            ["resource", "rights", "reason", "human"], needs: { _, arguments throws(LibOSError) in [try humanNeed(arguments)] },
            body: { scope, arguments throws(LibOSError) in
                let permission = try permission(arguments)
                let reason = try arguments.text("reason") ?? ""
                return try answered(scope) { content in
                    guard case .permission(let asked, _, let why) = content else { return false }
                    return asked == permission && why == reason
                } ask: { scope throws(LibOSError) in
                    try scope.runtime.humans.requestPermission(
                        permission, reason: reason, human: try humanName(arguments), by: scope.origin, in: scope.transaction)
                } result: { id, decision in
                    .object([
                        "request_id": .string(id.text), "approved": .bool(true), "policy": .optional(decision.policy?.rawValue),
                        "expires_at": .optional(decision.expiresAt?.description),
                    ])
                }
            }),
        "human.output": SyscallEntry(
            ["message", "human"], needs: { _, arguments throws(LibOSError) in [try humanNeed(arguments)] },
            body: { scope, arguments throws(LibOSError) in
                let request = try scope.runtime.humans.output(
                    try arguments.requiredText("message"), human: try humanName(arguments), by: scope.origin, in: scope.transaction)
                return .done(.object(["request_id": .string(request.id.text), "delivered": .bool(true)]))
            }),
    ]

    /// The answer, when the action was repeated after the decision on this very question; otherwise the question.
    private static func answered(
        _ scope: SyscallScope, isSame: (HumanRequest.Content) -> Bool, ask: (SyscallScope) throws(LibOSError) -> HumanRequest,
        result: (HumanRequestID, HumanDecision) -> JSONValue
    ) throws(LibOSError) -> Completion<JSONValue> {
        if let id = scope.caller.resumed, let request = try scope.transaction.humanRequest(id),
            request.process == scope.origin.process, isSame(request.content)
        {
            switch try scope.runtime.humans.outcome(of: id, for: scope.origin.process, in: scope.transaction) {
            case .done(let decision): return .done(result(id, decision))
            case .waiting(let wait): return .waiting(wait)
            }
        }
        return .waiting(.human([try ask(scope).id]))
    }

    private static func humanName(_ arguments: SyscallArguments) throws(LibOSError) -> String {
        try arguments.text("human", longest: 128) ?? HumanQueue.standardHuman
    }

    private static func humanNeed(_ arguments: SyscallArguments) throws(LibOSError) -> NeededRight {
        NeededRight(resource: try .human(try humanName(arguments)), rights: [.write])
    }

    private static func permission(_ arguments: SyscallArguments) throws(LibOSError) -> PermissionRequest {
        guard let rights = try arguments.texts("rights", atMost: 32) else { throw arguments.missing("rights") }
        let need = try NeededRightText.read(resource: try arguments.requiredText("resource"), rights: rights)
        return PermissionRequest(resource: need.resource, rights: need.rights)
    }
}
