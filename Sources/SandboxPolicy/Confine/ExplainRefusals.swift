internal import StrictJSON

/// Refused names: by what is refused, then by the reason.
enum ExplainRefusals {
    static func add(_ steps: [DerivationStep], to page: inout FoldedLines, _ style: ExplainStyle) {
        let paths = steps.filter { $0.path != nil }
        if !paths.isEmpty { explain(paths, to: &page, style) }
        var kinds: [Kind] = []
        for step in paths {
            let kind = Kind(step, style)
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        // What nobody may read comes first.
        for kind in kinds.filter({ $0.rights.contains(.read) }) + kinds.filter({ !$0.rights.contains(.read) }) {
            page.add("", "")
            page.add("  ", kind.heading(style))
            for group in reasons(paths.filter { Kind($0, style) == kind }) {
                page.add("    ", group[0].because ?? "no reason is given", location: PlaceList.text(group.map(\.location)))
                page.add("      ", group.map { FoldedLines.whole(kind.name($0, style)) }.joined(separator: ", "))
                if style.mechanisms { ExplainText.mechanisms(group, to: &page) }
            }
        }
        for step in steps where step.path == nil {
            page.add("  ", step.text, location: step.location)
            if let because = step.because { page.add("      ", "because: \(because)") }
            if style.mechanisms { ExplainText.mechanisms([step], to: &page) }
        }
    }

    /// What a refusal looks like from inside, and how far it reaches.
    private static func explain(_ steps: [DerivationStep], to page: inout FoldedLines, _ style: ExplainStyle) {
        if steps.allSatisfy(\.isStanding) {
            page.add("  ", "No row above grants these places. Nothing that is added to this policy opens them.")
        } else {
            page.add("  ", "--allow opens none of them: a refusal outweighs every grant.")
        }
        let inside = reasons(steps).joined().lazy.map { Kind($0, style).name($0, style) }.first { !$0.utf8.contains(UInt8(ascii: "/")) }
        page.add(
            "  ",
            "Each path is that one place, with all that is in it; the same name in another directory is another path"
                + (inside.map { ": `\($0)` does not cover `sub/\($0)`." } ?? "."))
        if steps.contains(where: { $0.rights.contains(.read) }) {
            page.add("  ", "What cannot be read still shows its name; opening or listing it fails (Permission denied).")
        }
        if steps.contains(where: { !$0.rights.contains(.read) && !$0.rights.isDisjoint(with: [.write, .delete]) }) {
            page.add("  ", "Changing what cannot be changed fails (Read-only file system, or Permission denied).")
        }
        page.add("  ", "A name of this list that does not exist yet cannot be created either (Permission denied).")
    }

    /// What is refused, and where.
    private struct Kind: Equatable {
        var rights: FileRights
        var isStanding: Bool
        /// Below the workspace: names are told from there.
        var isInside: Bool

        init(_ step: DerivationStep, _ style: ExplainStyle) {
            rights = step.rights
            isStanding = step.isStanding
            if let path = step.path, let workspace = style.workspace {
                isInside = path != workspace && ExplainText.isAt(path, or: workspace)
            } else {
                isInside = false
            }
        }

        func heading(_ style: ExplainStyle) -> String {
            let place = isInside ? "In \(style.workspace ?? "the workspace"), cannot be " : "Cannot be "
            let reading = rights.contains(.read) ? "" : "; reading and running stay as the rows say"
            return place + ResolvedPolicy.verbs(rights, joined: "or") + (isStanding ? ", even where a rule grants it" : reading) + ":"
        }

        func name(_ step: DerivationStep, _ style: ExplainStyle) -> String {
            guard isInside, let path = step.path, let workspace = style.workspace else { return step.path ?? "" }
            return String(decoding: path.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
        }
    }

    /// Steps of one reason together, in the order in which the files state them.
    private static func reasons(_ steps: [DerivationStep]) -> [[DerivationStep]] {
        var groups: [[DerivationStep]] = []
        for step in steps.sorted(by: isStatedBefore) {
            if let index = groups.firstIndex(where: { $0[0].because == step.because }) {
                groups[index].append(step)
            } else {
                groups.append([step])
            }
        }
        return groups
    }

    private static func isStatedBefore(_ a: DerivationStep, _ b: DerivationStep) -> Bool {
        let (one, other) = (PlaceList.split(a.location), PlaceList.split(b.location))
        return one.name == other.name ? (one.line ?? 0) < (other.line ?? 0) : utf8Precedes(one.name, other.name)
    }
}
