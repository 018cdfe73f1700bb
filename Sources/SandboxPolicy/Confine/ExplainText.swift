package import StrictJSON

/// Prints a derivation for somebody who never saw Landlock or seccomp.
package enum ExplainText {
    package static func render(_ policy: ResolvedPolicy, steps: [DerivationStep], style: ExplainStyle = ExplainStyle()) -> String {
        var page = FoldedLines(style)
        page.add("", "Policy \(policy.name)" + (policy.description.map { ": \($0)" } ?? ""), indent: 2)
        let chain = policy.chain.map { $0.name == $0.file ? $0.name : "\($0.name) (\($0.file))" }
        page.add(
            "  ",
            "Its rules come from " + chain.joined(separator: ", ")
                + "; [file:line] says where each stands, [default] what every policy gets unless it says otherwise.")
        page.add("  ", policy.hash)
        let named = steps.compactMap(\.path)
        if let workspace = style.workspace, style.isPlaceholder, named.contains(where: { isAt($0, or: workspace) }) {
            page.add("  ", "\(workspace) stands for the directory that --workspace names, or else the one that a run starts in.")
        }
        for section in DerivationStep.Section.allCases {
            let own = steps.filter { $0.section == section }
            if own.isEmpty { continue }
            page.heading(section.heading)
            switch section {
            case .files: ExplainFiles.add(own, to: &page, style)
            case .refused: ExplainRefusals.add(own, to: &page, style)
            default: add(own, to: &page, style)
            }
        }
        ExplainClosing.add(policy, refuses: steps.contains { $0.section == .refused }, to: &page, style)
        return page.lines.joined(separator: "\n") + "\n"
    }

    /// One paragraph for each step; settings stand in a column of their own.
    private static func add(_ steps: [DerivationStep], to page: inout FoldedLines, _ style: ExplainStyle) {
        if steps.first?.section == .protections { page.add("  ", "Each must be in place, or the run does not start:") }
        if steps.first?.section == .limits {
            page.add(
                "  ",
                "At wall, cpu and output the run is ended; at memory a process of it. At the others the call that asks for more fails.")
        }
        let column = steps.compactMap { $0.key?.count }.max() ?? 0
        for (index, step) in steps.enumerated() {
            var lead = "  "
            if let key = step.key { lead += key + String(repeating: " ", count: column - key.count + 2) }
            // A setting that nobody stated has no place worth a column.
            let location = step.section == .protections && step.key != nil ? nil : step.location
            page.add(lead, step.key == nil ? step.text : step.note ?? step.text, location: location, indent: max(4, lead.count))
            if let because = step.because { page.add("      ", "because: \(because)") }
            // What enforces several steps in a row is said after the last of them.
            let isLast = index + 1 == steps.count || steps[index + 1].mechanisms != step.mechanisms
            if style.mechanisms, isLast { self.mechanisms([step], to: &page) }
        }
    }

    /// What enforces these steps, each mechanism once.
    static func mechanisms(_ steps: [DerivationStep], to page: inout FoldedLines) {
        var seen: [String] = []
        for mechanism in steps.flatMap(\.mechanisms) where !seen.contains(mechanism) { seen.append(mechanism) }
        if !seen.isEmpty { page.add("      by: ", seen.joined(separator: "; ")) }
    }

    static func isAt(_ path: String, or directory: String) -> Bool {
        path == directory || path.utf8.starts(with: (directory + "/").utf8)
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
                        "at": .string(step.location), "because": .optional(step.because), "path": .optional(step.path),
                        "rights": .strings(step.rights.names), "optional": .bool(step.isOptional), "standing": .bool(step.isStanding),
                    ])
                }),
        ])
    }
}
