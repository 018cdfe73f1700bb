package import StrictJSON

/// What changes when one policy takes the place of another.
package struct PolicyDiff: Sendable, Equatable {
    /// What the new policy allows and the old one does not.
    package var gained: [Widening]
    /// What the old policy allows and the new one does not.
    package var lost: [Widening]

    package init(from old: ResolvedPolicy, to new: ResolvedPolicy) {
        gained = new.widenings(over: old, atMost: 1024)
        lost = old.widenings(over: new, atMost: 1024)
    }

    package var isEmpty: Bool { gained.isEmpty && lost.isEmpty }

    /// `+` lines for what is gained, `-` lines for what is lost, each with the rule behind it.
    package var text: String {
        if isEmpty { return "no difference in what is allowed\n" }
        let lines = gained.map { "+ " + Self.line($0) } + lost.map { "- " + Self.line($0) }
        return lines.map(printable).joined(separator: "\n") + "\n"
    }

    private static func line(_ widening: Widening) -> String {
        widening.message + (widening.rule.map { "  [\($0.reference.location)]" } ?? "")
    }

    package var value: JSONValue {
        func list(_ widenings: [Widening]) -> JSONValue {
            .array(
                widenings.map { widening in
                    .object([
                        "message": .string(widening.message), "rule": .optional(widening.rule?.reference.text),
                        "at": .optional(widening.rule?.reference.location), "setting": .optional(widening.setting),
                    ])
                })
        }
        return .object(["schema": .string("glovebox.policy-diff/1"), "gained": list(gained), "lost": list(lost)])
    }
}
