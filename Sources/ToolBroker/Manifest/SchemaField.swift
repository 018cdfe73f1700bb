internal import StrictJSON

/// A schema that stands in a YAML document: unquoted words mean what they mean in JSON, everything else is text.
enum SchemaField {
    static func value(of node: DocumentNode) -> JSONValue {
        switch node.content {
        case .scalar(let scalar): scalar.style == .plain ? plain(scalar.text) : .string(scalar.text)
        case .sequence(let items): .array(items.map(value))
        case .mapping(let entries): .object(entries.map { JSONMember($0.key, value(of: $0.value)) })
        }
    }

    private static func plain(_ text: String) -> JSONValue {
        switch text {
        case "null", "~", "": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        // The JSON reader knows what a number is; `0x10`, `1_000` and `.5` are text.
        guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let document = try? JSONDocument.read(Array(text.utf8), bounds: DocumentBounds(bytes: 64, depth: 1, nodes: 1))
        else { return .string(text) }
        return document.value
    }

    /// Where a JSON pointer leads in the document; the nearest place when it leads nowhere.
    static func position(of pointer: String, in node: DocumentNode) -> SourcePosition {
        var place = node
        var position = node.position
        for part in pointer.split(separator: "/") {
            switch place.content {
            case .mapping(let entries):
                guard let entry = entries.first(where: { $0.key == part }) else { return position }
                place = entry.value
                position = entry.keyPosition
            case .sequence(let items):
                guard let index = Int(part), items.indices.contains(index) else { return position }
                place = items[index]
                position = place.position
            case .scalar: return position
            }
        }
        return position
    }
}
