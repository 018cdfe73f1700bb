/// The table of files: one row for all paths that are alike.
enum ExplainFiles {
    static func add(_ steps: [DerivationStep], to page: inout FoldedLines, _ style: ExplainStyle) {
        page.add("  ", "r read, w change and create, d delete, x start as a program or load as a library.")
        page.add("  ", "A script that an interpreter reads (`python3 script.py`) needs only the r, and the interpreter the x.")
        page.add("  ", "A directory stands for all that is in it; where rows overlap, the longest path counts.")
        page.add("  ", "No other file is there: no home directory and nothing in it (~/.ssh), unless a row says so.")
        if steps.contains(where: \.isOptional) { page.add("  ", "Paths with a ? are left out where this machine has none.") }
        for group in groups(of: steps) {
            let rows = group.sorted { !$0.isOptional && $1.isOptional }
            let paths = rows.compactMap { step in step.path.map { FoldedLines.whole($0) + (step.isOptional ? "?" : "") } }
            let location = PlaceList.text(rows.map(\.location))
            guard let first = rows.first, !paths.isEmpty else {
                for row in rows { page.add("  ----  ", row.text, location: row.location) }
                continue
            }
            let note = first.note.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
            page.add("  \(columns(first.rights))  ", paths.joined(separator: ", ") + note, location: location)
            if let because = first.because { page.add("        because: ", because) }
            if style.mechanisms { ExplainText.mechanisms(rows, to: &page) }
        }
    }

    private static func columns(_ rights: FileRights) -> String {
        [(FileRights.read, "r"), (.write, "w"), (.delete, "d"), (.execute, "x")].map { rights.contains($0.0) ? $0.1 : "-" }.joined()
    }

    /// In the order of the first of each.
    private static func groups(of steps: [DerivationStep]) -> [[DerivationStep]] {
        var groups: [[DerivationStep]] = []
        for step in steps {
            let index = groups.firstIndex {
                $0[0].rights == step.rights && $0[0].note == step.note && $0[0].because == step.because
                    && $0[0].mechanisms == step.mechanisms
            }
            if let index { groups[index].append(step) } else { groups.append([step]) }
        }
        return groups
    }
}
