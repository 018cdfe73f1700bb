internal import LibOSModel
internal import StrictJSON

/// Large decisions, kept apart from the chain and named in it by their hash: dropping one leaves the chain as it is.
enum AuditContent {
    static func isLarge(_ text: String) -> Bool { text.utf8.count > AuditRow.longestInlineDecision }

    static func hash(of text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { AuditChain.sha256(UnsafeRawBufferPointer($0)) }
    }

    /// What a reader gets in place of a decision that was dropped.
    static func dropped(_ hash: [UInt8]) -> JSONValue { .object(["dropped_sha256": .string(AuditChain.hexadecimal(hash))]) }

    /// The hash in such a placeholder; nil for every other value.
    static func droppedHash(in decision: JSONValue) -> [UInt8]? {
        guard case .object(let members) = decision, members.count == 1, members[0].key == "dropped_sha256",
            case .string(let text) = members[0].value, text.utf8.count == 64
        else { return nil }
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
