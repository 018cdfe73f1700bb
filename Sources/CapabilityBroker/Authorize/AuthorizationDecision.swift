package import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// The broker's answer to a request. It is true in the transaction that it was made in: whoever acts on it does so there.
package struct AuthorizationDecision: Sendable {
    package var subject: ProcessID
    /// The lowest of all needed rights.
    package var effect: Effect
    /// One sentence for people.
    package var reason: String
    /// One for each needed right, in the order of the request.
    package var rights: [RightDecision]
    /// Records that speak of any of it, each once.
    package var matched: [CapabilityID]
    /// The record that decided the whole; nil when none did.
    package var selected: CapabilityID?
    /// Records that an allowed action rests on, each once: audit rows name them.
    package var capabilities: [CapabilityID]
    /// Those among `capabilities` that must be reserved before the action starts.
    package var oneShots: [CapabilityID]
    /// From the deciding record to the first one of its line.
    package var issuers: [IssuerLink]
    /// Of the deciding record.
    package var constraints: [ConstraintResult]
    /// When the effect is `ask`: what a person must agree to.
    package var asked: [NeededRight]
    /// When the effect is `deny`.
    package var denial: Denial?
    /// When the effect is `allow`: what the action gets and no more. Nothing otherwise.
    package var grants: [CapabilityGrant]

    package var isAllowed: Bool { effect == .allow }

    /// The denial, also of what must be asked for where nobody can be asked; nil when the action is allowed.
    package var denialWithoutHuman: Denial? {
        guard effect == .ask else { return denial }
        return rights.first { $0.effect == .ask }?.denial(for: subject)
    }

    /// When the effect is `ask`: which records and rules of the policy want a person to agree, each once.
    package var askingRules: [String] {
        var rules: [String] = []
        for right in rights where right.effect == .ask {
            let rule = right.denial(for: subject).rule
            if !rules.contains(rule) { rules.append(rule) }
        }
        return rules
    }

    /// For audit rows of `capability.authorize` and for calls that carry the decision.
    package var json: JSONValue {
        .object([
            "effect": .string(effect.rawValue), "reason": .string(reason), "capability_ids": .strings(matched.map(\.text)),
            "selected": .optional(selected?.text), "consume": .strings(oneShots.map(\.text)),
            "issuers": .array(
                issuers.map { .object(["capability_id": .string($0.capability.text), "issued_by": .string($0.issuedBy)]) }),
            "constraints": .array(
                constraints.map {
                    .object([
                        "capability_id": .string($0.capability.text), "key": .string($0.key), "met": .bool($0.isMet),
                        "detail": .string($0.detail),
                    ])
                }),
            "denial": denial?.json ?? .null,
        ])
    }
}
