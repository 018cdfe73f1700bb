internal import StrictJSON

/// How an explanation looks where it is read.
package struct ExplainStyle {
    package enum Role { case heading, place }

    /// Columns of a line.
    package var width: Int
    /// Also say what enforces each line.
    package var mechanisms: Bool
    /// The workspace as the steps name it.
    package var workspace: String?
    /// `workspace` stands for a directory that nobody has named.
    package var isPlaceholder: Bool
    /// Colours a piece of text; the text is safe to print already.
    package var paint: (String, Role) -> String

    package init(
        width: Int = 80, mechanisms: Bool = false, workspace: String? = nil, isPlaceholder: Bool = false,
        paint: @escaping (String, Role) -> String = { text, _ in text }
    ) {
        self.width = width
        self.mechanisms = mechanisms
        self.workspace = workspace
        self.isPlaceholder = isPlaceholder
        self.paint = paint
    }
}

/// Lines no longer than the width, but for single words that are.
struct FoldedLines {
    private let style: ExplainStyle
    private(set) var lines: [String] = []

    init(_ style: ExplainStyle) { self.style = style }

    /// A path or value that is not parted at its spaces; quoted, so that its ends can be told.
    static func whole(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: " ")) else { return text }
        return "\"" + String(text.map { $0 == " " ? Self.heldSpace : $0 }) + "\""
    }

    /// Stands for a space inside a word.
    private static let heldSpace: Character = "\u{1F}"

    private static func spaced(_ word: String) -> String { String(word.map { $0 == heldSpace ? " " : $0 }) }

    mutating func heading(_ text: String) { lines += ["", style.paint(printable(text), .heading)] }

    /// A paragraph. What follows the first line stands below the text, not below what leads it.
    mutating func add(_ lead: String, _ text: String, location: String? = nil, indent: Int? = nil) {
        var words = text.split(separator: " ").map { (printable(Self.spaced(String($0))), false) }
        words += (location.map { "[\($0)]" } ?? "").split(separator: " ").map { (printable(String($0)), true) }
        let rest = String(repeating: " ", count: indent ?? lead.count)
        var line = printable(lead)
        var columns = line.count
        var isFirst = true
        for (word, isPlace) in words {
            if !isFirst, columns + 1 + word.count > style.width {
                lines.append(line)
                (line, columns, isFirst) = (rest, rest.count, true)
            }
            line += (isFirst ? "" : " ") + (isPlace ? style.paint(word, .place) : word)
            columns += (isFirst ? 0 : 1) + word.count
            isFirst = false
        }
        lines.append(line)
    }
}

/// Places in files, many as few words: `guarded.yaml:11-18, 20`.
enum PlaceList {
    static func text(_ places: [String]) -> String {
        var files: [(name: String, lines: [Int])] = []
        for place in places {
            let (name, line) = split(place)
            let index = files.firstIndex { $0.name == name } ?? files.count
            if index == files.count { files.append((name, [])) }
            if let line, !files[index].lines.contains(line) { files[index].lines.append(line) }
        }
        return files.map { $0.lines.isEmpty ? $0.name : "\($0.name):" + ranges($0.lines.sorted()) }.joined(separator: "; ")
    }

    static func split(_ place: String) -> (name: String, line: Int?) {
        guard let colon = place.utf8.lastIndex(of: UInt8(ascii: ":")), let line = Int(place[place.utf8.index(after: colon)...]) else {
            return (place, nil)
        }
        return (String(place[..<colon]), line)
    }

    private static func ranges(_ lines: [Int]) -> String {
        var parts: [(first: Int, last: Int)] = []
        for line in lines {
            if let end = parts.last?.last, end + 1 == line { parts[parts.count - 1].last = line } else { parts.append((line, line)) }
        }
        return parts.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(separator: ", ")
    }
}
