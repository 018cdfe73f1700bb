package import LibOSModel
package import StrictJSON

/// Takes the text of an argument for a template's place.
package struct ArgumentText {
    package let arguments: JSONValue

    package init(arguments: JSONValue) { self.arguments = arguments }

    /// The texts that a place stands for: one, or each item of a list.
    func texts(_ place: ArgumentTemplate.Place) throws(LibOSError) -> [String] {
        guard let value = arguments.member(place.name) else {
            throw LibOSError(.validation, "the argument `\(place.name)` is missing")
        }
        switch place.selector {
        case .whole: return [try text(value, place.name)]
        case .item(let index):
            guard case .array(let items) = value, items.indices.contains(index) else {
                throw LibOSError(.validation, "the argument `\(place.name)` has no item \(index)")
            }
            return [try text(items[index], place.name)]
        case .each:
            guard case .array(let items) = value else { throw LibOSError(.validation, "the argument `\(place.name)` is no list") }
            var result: [String] = []
            for item in items { result.append(try text(item, place.name)) }
            return result
        }
    }

    private func text(_ value: JSONValue, _ name: String) throws(LibOSError) -> String {
        let text: String
        switch value {
        case .string(let given): text = given
        case .int, .double, .bool: text = value.canonicalText
        default: throw LibOSError(.validation, "the argument `\(name)` is no single value")
        }
        if text.utf8.contains(0) { throw LibOSError(.validation, "the argument `\(name)` holds a NUL byte") }
        return text
    }

    // MARK: - Command lines

    /// The command line. An argument that stands as a word of its own never becomes an option, unless the template says where
    /// options end (`--`) or takes a whole list of words.
    package func commandLine(_ words: [WordTemplate]) throws(LibOSError) -> [String] {
        var result: [String] = []
        var optionsHaveEnded = false
        for word in words {
            let pieces = word.template.pieces
            if word.isList {
                guard pieces.count == 1, let place = word.template.places.first else {
                    throw LibOSError(.validation, "`\(word.template.source)` mixes a list with text")
                }
                result += try texts(place)
                continue
            }
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let literal): text += literal
                case .place(let place): text += try texts(place).joined()
                }
            }
            if pieces == [.text("--")] { optionsHaveEnded = true }
            if case .place(let place) = pieces.first, text.utf8.first == UInt8(ascii: "-"), !optionsHaveEnded {
                throw LibOSError(
                    .validation, "the argument `\(place.name)` begins with `-` and would be read as an option",
                    mend: "write ./ before a file's name")
            }
            result.append(text)
        }
        guard let program = result.first, !program.isEmpty, program.utf8.contains(where: { $0 > 0x20 }) else {
            throw LibOSError(.validation, "the command line names no program")
        }
        return result
    }
}
