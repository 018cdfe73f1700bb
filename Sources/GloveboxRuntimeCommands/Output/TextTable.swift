internal import CommandOutput

/// Columns for people. Cells are made safe for a terminal here, whoever wrote them.
struct TextTable {
    private var rows: [[String]]

    init(_ head: [String]) { rows = [head] }

    mutating func add(_ cells: [String]) { rows.append(cells.map(SafeText.line)) }

    /// Lines without trailing blanks; the last column is as wide as its text.
    var lines: [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    func print() { Console.print(lines.joined(separator: "\n")) }
}

extension String {
    /// The beginning, marked when something is missing.
    func shortened(to count: Int) -> String { self.count <= count ? self : prefix(count - 1) + "…" }
}
