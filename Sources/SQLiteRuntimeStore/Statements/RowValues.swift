internal import LibOSModel
internal import StrictJSON

/// Columns as the values of records.
extension RowReader {
    mutating func flag() throws(LibOSError) -> Bool {
        switch try integer() {
        case 0: return false
        case 1: return true
        case let other: throw bad("is \(other), neither 0 nor 1")
        }
    }

    mutating func instant() throws(LibOSError) -> Timestamp { Timestamp(microseconds: try integer()) }

    mutating func optionalInstant() throws(LibOSError) -> Timestamp? { try optionalInteger().map { Timestamp(microseconds: $0) } }

    mutating func id<Kind>(_ kind: Identifier<Kind>.Type = Identifier<Kind>.self) throws(LibOSError) -> Identifier<Kind> {
        let text = try text()
        guard let id = Identifier<Kind>(text) else { throw bad("is `\(Self.excerpt(text))`, no id of the kind \(Kind.prefix)") }
        return id
    }

    mutating func optionalID<Kind>(
        _ kind: Identifier<Kind>.Type = Identifier<Kind>.self
    ) throws(LibOSError) -> Identifier<Kind>? {
        guard let text = try optionalText() else { return nil }
        guard let id = Identifier<Kind>(text) else { throw bad("is `\(Self.excerpt(text))`, no id of the kind \(Kind.prefix)") }
        return id
    }

    mutating func word<Word: RawRepresentable<String>>(_ type: Word.Type = Word.self) throws(LibOSError) -> Word {
        let text = try text()
        guard let word = Word(rawValue: text) else { throw bad("is `\(Self.excerpt(text))`, which is not known") }
        return word
    }

    /// A record's part that is kept as JSON.
    mutating func json<Value>(_ decode: (JSONValue) throws(JSONShapeError) -> Value) throws(LibOSError) -> Value {
        let value = try json()
        do { return try decode(value) } catch { throw bad(error.message) }
    }

    mutating func optionalJSON<Value>(_ decode: (JSONValue) throws(JSONShapeError) -> Value) throws(LibOSError) -> Value? {
        guard let value = try optionalJSON() else { return nil }
        do { return try decode(value) } catch { throw bad(error.message) }
    }
}
