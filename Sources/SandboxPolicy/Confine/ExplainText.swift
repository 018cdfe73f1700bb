package import StrictJSON

/// Prints a derivation for somebody who never saw Landlock or seccomp.
package enum ExplainText {
    /// - Parameter mechanisms: also say, below each line, what enforces it.
    package static func render(_ policy: ResolvedPolicy, steps: [DerivationStep], mechanisms: Bool = false) -> String {
        var lines = ["Policy \(policy.name)" + (policy.description.map { ": \($0)" } ?? "")]
        lines.append("  " + policy.chain.map { $0.name == $0.file ? $0.name : "\($0.name) (\($0.file))" }.joined(separator: " → "))
        lines.append("  \(policy.hash)")
        for section in DerivationStep.Section.allCases {
            let own = steps.filter { $0.section == section }
            if own.isEmpty { continue }
            lines += ["", section.heading]
            let width = min(72, own.map(\.text.count).max() ?? 0)
            for step in own {
                let pad = String(repeating: " ", count: max(0, width - step.text.count))
                lines.append("  \(step.text)\(pad)  [\(step.location)]")
                if let because = step.because { lines.append("      because: \(because)") }
                if mechanisms { lines += step.mechanisms.map { "      by: \($0)" } }
            }
        }
        return lines.map(printable).joined(separator: "\n") + "\n"
    }

    /// The same for machines.
    package static func value(_ policy: ResolvedPolicy, steps: [DerivationStep]) -> JSONValue {
        .object([
            "schema": .string("glovebox.explain/1"),
            "policy": .string(policy.name),
            "hash": .string(policy.hash),
            "steps": .array(
                steps.map { step in
                    .object([
                        "section": .string(step.section.rawValue), "text": .string(step.text), "mechanisms": .strings(step.mechanisms),
                        "at": .string(step.location), "because": .optional(step.because),
                    ])
                }),
        ])
    }
}
