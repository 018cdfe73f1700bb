internal import CapabilityLanguage
internal import StrictJSON

/// One answer to a hook, made of many: the strictest counts.
struct HookAnswer: Sendable, Equatable {
    var effect: Effect
    /// What was decided about, as the capability language names it.
    var resources: [String] = []
    var reasons: [String] = []

    init(_ effect: Effect, _ reason: String, resource: String? = nil) {
        self.effect = effect
        reasons = [reason]
        resources = resource.map { [$0] } ?? []
    }

    private static let mostReasons = 4

    /// Both together. Reasons of the stricter one stand, of equals both.
    func and(_ other: HookAnswer) -> HookAnswer {
        var result = effect <= other.effect ? self : other
        if effect == other.effect {
            for reason in other.reasons where !result.reasons.contains(reason) { result.reasons.append(reason) }
        }
        result.resources = resources + other.resources.filter { !resources.contains($0) }
        return result
    }

    var reason: String {
        let more = reasons.count > Self.mostReasons ? "; and \(reasons.count - Self.mostReasons) more" : ""
        return printable("Glovebox: " + reasons.prefix(Self.mostReasons).joined(separator: "; ") + more)
    }

    var json: JSONValue {
        .object([
            "hookSpecificOutput": .object([
                "hookEventName": .string("PreToolUse"), "permissionDecision": .string(effect.rawValue),
                "permissionDecisionReason": .string(reason),
            ])
        ])
    }
}
