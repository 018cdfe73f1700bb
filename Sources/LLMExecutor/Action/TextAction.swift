internal import StrictJSON

/// An action at the end of free text, for models that cannot call functions. Accepted are, in this order: the whole text as one
/// object; the last fenced block; the last balanced top-level object.
enum TextAction {
    static func parse(_ text: String, longest: Int) throws(ActionProblem) -> ModelAction {
        guard text.utf8.count <= longest else {
            throw ActionProblem("the text has \(text.utf8.count) bytes, \(longest) are searched for an action")
        }
        for candidate in [text.trimmed[...], lastFence(in: text), lastObject(in: text)].compactMap({ $0 }) {
            if let action = action(in: String(candidate)) { return action }
        }
        throw ActionProblem("the text does not end with a JSON object that has a key `action`")
    }

    private static func action(in text: String) -> ModelAction? {
        let bytes = Array(text.trimmed.utf8)
        guard bytes.first == UInt8(ascii: "{"),
            let value = try? JSONDocument.read(bytes, bounds: ActionParser.bounds(bytes.count)).value,
            let action = ModelAction(json: value), !action.name.trimmed.isEmpty
        else { return nil }
        return ModelAction(name: action.name.trimmed, arguments: action.arguments)
    }

    /// Content of the last block between lines of three backquotes.
    private static func lastFence(in text: String) -> Substring? {
        var block: (start: String.Index, end: String.Index)?
        var open: String.Index?
        var index = text.startIndex
        while index < text.endIndex {
            let end = text.utf8[index...].firstIndex(of: 0x0A) ?? text.endIndex
            if text[index..<end].drop(while: { $0 == " " }).hasPrefix("```") {
                if let start = open {
                    block = (start, index)
                    open = nil
                } else {
                    open = end < text.endIndex ? text.utf8.index(after: end) : end
                }
            }
            index = end < text.endIndex ? text.utf8.index(after: end) : end
        }
        return block.map { text[$0.start..<$0.end] }
    }

    /// The last `{…}` that is balanced and lies in no other object and in no list. Quotes count only inside braces: prose is full of
    /// apostrophes.
    private static func lastObject(in text: String) -> Substring? {
        var found: Range<String.Index>?
        var start: String.Index?
        var depth = 0
        var listDepth = 0
        var inString = false
        var isEscaped = false
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            if inString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where depth > 0: inString = true
            case UInt8(ascii: "[") where depth == 0: listDepth += 1
            case UInt8(ascii: "]") where depth == 0: listDepth = max(0, listDepth - 1)
            case UInt8(ascii: "{"):
                if depth == 0 { start = listDepth == 0 ? index : nil }
                depth += 1
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0, let from = start { found = from..<text.utf8.index(after: index) }
            default: break
            }
        }
        return found.map { text[$0] }
    }
}
