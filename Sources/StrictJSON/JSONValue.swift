/// One JSON value; objects keep the order of their keys. Everything that Glovebox prints with `--json` is one of these.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Finite always: a writer prints `null` for anything else.
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// An object from pairs, in their order.
    package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { JSONMember($0.key, $0.value) })
    }

    package static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    /// An unsigned number: beyond Int64 as decimal text, so that no digit is lost.
    package static func unsigned(_ value: UInt64) -> JSONValue {
        Int64(exactly: value).map { .int($0) } ?? .string(String(value))
    }

    /// The text, or null.
    package static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// Whether both are written the same, byte for byte. `==` also unites texts that Unicode calls equivalent.
    package func isIdentical(to other: JSONValue) -> Bool {
        switch (self, other) {
        case (.string(let a), .string(let b)): haveSameBytes(a, b)
        case (.array(let a), .array(let b)):
            a.count == b.count && (areOneArray(a, b) || zip(a, b).allSatisfy { $0.isIdentical(to: $1) })
        case (.object(let a), .object(let b)):
            a.count == b.count
                && (areOneArray(a, b) || zip(a, b).allSatisfy { haveSameBytes($0.key, $1.key) && $0.value.isIdentical(to: $1.value) })
        default: self == other
        }
    }

    /// The value under a key of an object, nil for other kinds and absent keys.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

package struct JSONMember: Sendable, Hashable {
    package var key: String
    package var value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

/// Copies of one array that nobody has changed since: what is compared again and again is mostly that.
private func areOneArray<Element>(_ a: [Element], _ b: [Element]) -> Bool {
    a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in a.baseAddress == b.baseAddress } }
}
