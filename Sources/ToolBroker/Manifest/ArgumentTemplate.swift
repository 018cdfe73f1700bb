/// Text with places for arguments: `{path}`, `{argv.0}` (an item of a list), `{paths[]}` (every item of a list in its turn). Doubled
/// braces stand for themselves.
package struct ArgumentTemplate: Sendable, Equatable {
    package struct Place: Sendable, Equatable {
        package var name: String
        package var selector: Selector
    }

    package enum Selector: Sendable, Equatable {
        case whole
        case item(Int)
        case each
    }

    package enum Piece: Sendable, Equatable {
        case text(String)
        case place(Place)
    }

    package var pieces: [Piece]
    package let source: String

    package var places: [Place] {
        pieces.compactMap { if case .place(let place) = $0 { place } else { nil } }
    }

    package struct Problem: Error, Sendable, Equatable {
        package var message: String
        package var mend: String
    }

    package static func parse(_ text: String) throws(Problem) -> ArgumentTemplate {
        var pieces: [Piece] = []
        var literal = ""
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                literal.append(first)
                rest = rest.dropFirst(2)
                continue
            }
            if first == "}" { throw Problem(message: "a `}` has no `{` before it", mend: "write {argument}") }
            guard first == "{" else {
                literal.append(first)
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(of: "}") else { throw Problem(message: "a `{` has no `}` behind it", mend: "write {argument}") }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(.place(try place(String(rest[rest.index(after: rest.startIndex)..<end]))))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        return ArgumentTemplate(pieces: pieces, source: text)
    }

    private static func place(_ text: String) throws(Problem) -> Place {
        if text.hasSuffix("[]") { return Place(name: try name(String(text.dropLast(2))), selector: .each) }
        if let dot = text.lastIndex(of: ".") {
            guard let index = UInt8(text[text.index(after: dot)...]) else {
                throw Problem(message: "`{\(text)}` names no item", mend: "write {list.0} for the first one, or {list[]} for each")
            }
            return Place(name: try name(String(text[..<dot])), selector: .item(Int(index)))
        }
        return Place(name: try name(text), selector: .whole)
    }

    private static func name(_ text: String) throws(Problem) -> String {
        let isName =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
        if isName { return text }
        throw Problem(message: "`{\(text)}` names no argument", mend: "use a-z, 0-9 and `_`: {path}")
    }
}

/// One word of a command line, or several when it is a list alone: `{argv[]}`.
package struct WordTemplate: Sendable, Equatable {
    package var template: ArgumentTemplate

    package init(_ template: ArgumentTemplate) { self.template = template }

    var isList: Bool { template.places.contains { $0.selector == .each } }
}
