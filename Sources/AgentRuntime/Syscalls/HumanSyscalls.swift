internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    static let human: [String: SyscallEntry] = [
        "human.ask": SyscallEntry(
            ["question", "context", "human"],
            needs: { scope, arguments throws(LibOSError) in
                try repeated(scope, try isSameQuestion(arguments)) == nil ? [try humanNeed(arguments)] : []
            },
            body: { scope, arguments throws(LibOSError) in
                guard let request = try repeated(scope, try isSameQuestion(arguments)) else {
                    let asked = try scope.runtime.humans.ask(
                        try arguments.requiredText("question"), context: arguments.value("context") ?? .object([]),
                        human: try humanName(arguments), by: scope.origin, in: scope.transaction)
                    return .waiting(.human([asked.id]))
                }
                return try answer(to: request, scope) { decision in
                    .object(["request_id": .string(request.id.text), "answer": .optional(decision.answer)])
                }
            }),
        "human.request_permission": SyscallEntry(
            ["resource", "rights", "reason", "human"],
            needs: { scope, arguments throws(LibOSError) in
                try repeated(scope, try isSamePermission(arguments)) == nil ? [try humanNeed(arguments)] : []
            },
            body: { scope, arguments throws(LibOSError) in
                guard let request = try repeated(scope, try isSamePermission(arguments)) else {
                    let asked = try scope.runtime.humans.requestPermission(
                        try permission(arguments), reason: try arguments.text("reason") ?? "", human: try humanName(arguments),
                        by: scope.origin, in: scope.transaction)
                    return .waiting(.human([asked.id]))
                }
                return try answer(to: request, scope) { decision in
                    .object([
                        "request_id": .string(request.id.text), "approved": .bool(true), "policy": .optional(decision.policy?.rawValue),
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

    /// The request that this repeated action waited for, when it asked this very question. Its authority was looked at when it was
    /// asked: hearing the answer needs none.
    private static func repeated(
        _ scope: SyscallScope, _ isSame: (HumanRequest) -> Bool
    ) throws(LibOSError) -> HumanRequest? {
        guard let id = scope.caller.resumed, let request = try scope.transaction.humanRequest(id),
            request.process == scope.origin.process, isSame(request)
        else { return nil }
        return request
    }

    private static func answer(
        to request: HumanRequest, _ scope: SyscallScope, _ result: (HumanDecision) -> JSONValue
    ) throws(LibOSError) -> Completion<JSONValue> {
        switch try scope.runtime.humans.outcome(of: request.id, for: scope.origin.process, in: scope.transaction) {
        case .done(let decision): .done(result(decision))
        case .waiting(let wait): .waiting(wait)
        }
    }

    private static func isSameQuestion(_ arguments: SyscallArguments) throws(LibOSError) -> (HumanRequest) -> Bool {
        let text = try arguments.requiredText("question")
        let (context, human) = (arguments.value("context") ?? .object([]), try humanName(arguments))
        return { request in
            guard case .question(let asked, let facts) = request.content else { return false }
            return asked == text && facts.canonicalText == context.canonicalText && request.human == human
        }
    }

    private static func isSamePermission(_ arguments: SyscallArguments) throws(LibOSError) -> (HumanRequest) -> Bool {
        let permission = try permission(arguments)
        let (reason, human) = (try arguments.text("reason") ?? "", try humanName(arguments))
        return { request in
            guard case .permission(let asked, _, let why) = request.content else { return false }
            return asked == permission && why == reason && request.human == human
        }
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
