extension DocumentNode {
    /// The document as a plain value. Unquoted scalars are null, true, false and numbers as JSON spells them, and text otherwise:
    /// `no` and `1e3x` stay text, so that no word changes its meaning by accident.
    package var plainValue: JSONValue {
        switch content {
        case .mapping(let entries): .object(entries.map { JSONMember($0.key, $0.value.plainValue) })
        case .sequence(let items): .array(items.map(\.plainValue))
        case .scalar(let scalar): scalar.plainValue
        }
    }
}

extension DocumentScalar {
    package var plainValue: JSONValue {
        guard style == .plain else { return .string(text) }
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                let number = try? JSONDocument.read(Array(text.utf8), bounds: DocumentBounds(bytes: 64, depth: 1, nodes: 1)).value
            else { return .string(text) }
            return number
        }
    }
}
