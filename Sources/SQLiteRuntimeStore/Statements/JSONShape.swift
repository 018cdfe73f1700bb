internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// JSON that is not what a column holds.
struct JSONShapeError: Error {
    var message: String
}

/// Takes an object apart. Every key must be taken, so that nothing that was stored is ignored.
struct JSONFields {
    private let members: [JSONMember]
    private var taken = 0

    init(_ value: JSONValue) throws(JSONShapeError) {
        guard case .object(let members) = value else { throw JSONShapeError(message: "is not an object") }
        self.members = members
    }

    mutating func optional(_ key: String) -> JSONValue? {
        guard let member = members.first(where: { $0.key == key }) else { return nil }
        taken += 1
        return member.value
    }

    mutating func value(_ key: String) throws(JSONShapeError) -> JSONValue {
        guard let value = optional(key) else { throw JSONShapeError(message: "has no `\(key)`") }
        return value
    }

    mutating func decode<Value>(
        _ key: String, _ decode: (JSONValue) throws(JSONShapeError) -> Value
    ) throws(JSONShapeError) -> Value {
        try decode(try value(key))
    }

    /// Absent when nil was written.
    mutating func optional<Value>(
        _ key: String, _ decode: (JSONValue) throws(JSONShapeError) -> Value
    ) throws(JSONShapeError) -> Value? {
        guard let value = optional(key) else { return nil }
        return try decode(value)
    }

    func finish() throws(JSONShapeError) {
        if taken < members.count { throw JSONShapeError(message: "holds keys that are not known") }
    }
}

/// The shapes that columns are made of. Each has a reader and a writer that undo one another.
enum JSONShape {
    static func text(_ value: JSONValue) throws(JSONShapeError) -> String {
        guard case .string(let text) = value else { throw JSONShapeError(message: "holds something else than text") }
        return text
    }

    static func integer(_ value: JSONValue) throws(JSONShapeError) -> Int64 {
        guard case .int(let number) = value else { throw JSONShapeError(message: "holds something else than a whole number") }
        return number
    }

    static func flag(_ value: JSONValue) throws(JSONShapeError) -> Bool {
        guard case .bool(let flag) = value else { throw JSONShapeError(message: "holds something else than true or false") }
        return flag
    }

    static func instant(_ value: JSONValue) throws(JSONShapeError) -> Timestamp { Timestamp(microseconds: try integer(value)) }

    static func id<Kind>(_ value: JSONValue) throws(JSONShapeError) -> Identifier<Kind> {
        let text = try text(value)
        guard let id = Identifier<Kind>(text) else { throw JSONShapeError(message: "holds no id of the kind \(Kind.prefix)") }
        return id
    }

    static func word<Word: RawRepresentable<String>>(_ value: JSONValue) throws(JSONShapeError) -> Word {
        let text = try text(value)
        guard let word = Word(rawValue: text) else { throw JSONShapeError(message: "holds the unknown word `\(printable(text))`") }
        return word
    }

    static func list<Item>(
        _ value: JSONValue, _ decode: (JSONValue) throws(JSONShapeError) -> Item
    ) throws(JSONShapeError) -> [Item] {
        guard case .array(let values) = value else { throw JSONShapeError(message: "is not a list") }
        var items: [Item] = []
        items.reserveCapacity(values.count)
        for value in values { items.append(try decode(value)) }
        return items
    }

    static func texts(_ value: JSONValue) throws(JSONShapeError) -> [String] {
        try list(value) { (item) throws(JSONShapeError) in try text(item) }
    }

    static func ids<Kind>(_ value: JSONValue) throws(JSONShapeError) -> [Identifier<Kind>] {
        try list(value) { (item) throws(JSONShapeError) in try id(item) }
    }

    static func words<Word: RawRepresentable<String> & Hashable>(_ value: JSONValue) throws(JSONShapeError) -> Set<Word> {
        Set(try list(value) { (item) throws(JSONShapeError) in try word(item) })
    }

    static func of<Kind>(_ ids: [Identifier<Kind>]) -> JSONValue { .array(ids.map { .string($0.text) }) }
    static func of<Kind>(_ ids: Set<Identifier<Kind>>) -> JSONValue { of(ids.sorted()) }
    static func of<Word: RawRepresentable<String>>(_ words: some Sequence<Word>) -> JSONValue {
        // No key path: in generic code each use makes it anew.
        .strings(words.map { $0.rawValue }.sorted(by: utf8Precedes))
    }

    /// An object of the members that have a value.
    static func object(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { member in member.value.map { JSONMember(member.key, $0) } })
    }
}
