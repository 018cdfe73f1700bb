internal import LibOSModel
internal import StrictJSON

/// The one form of JSON in the store: canonical text, which reads back to the same value, keys sorted.
///
/// Whole numbers below 2^53 that came as `double` read back as `int`: the canonical form knows one text for both.
enum StoredJSON {
    /// Lists and objects inside one another. Deeper values are refused before they are written, so that reading never fails on them.
    static let deepest = 128

    /// What was written once is read without another bound than the depth.
    private static let bounds = DocumentBounds(bytes: .max, depth: deepest, nodes: .max)

    /// - Parameter depth: Lists and objects around the value.
    static func text(of value: JSONValue, depth: Int = 0) throws(LibOSError) -> String {
        if let problem = problem(in: value, depth: depth) {
            throw LibOSError(.validation, "a value cannot be stored: \(problem)", mend: "change the value")
        }
        return value.canonicalText
    }

    static func value(of bytes: [UInt8]) throws(JSONReadError) -> JSONValue { try JSONDocument.value(of: bytes, bounds: bounds) }

    private static func problem(in value: JSONValue, depth: Int) -> String? {
        switch value {
        case .null, .bool, .int, .string: return nil
        case .double(let number): return number.isFinite ? nil : "it holds a number that is not finite"
        case .array(let items):
            if depth >= deepest { return "it is nested more than \(deepest) deep" }
            for item in items {
                if let found = problem(in: item, depth: depth + 1) { return found }
            }
            return nil
        case .object(let members):
            if depth >= deepest { return "it is nested more than \(deepest) deep" }
            if let key = repeatedKey(in: members) { return "it holds the key `\(printable(key))` twice" }
            for member in members {
                if let found = problem(in: member.value, depth: depth + 1) { return found }
            }
            return nil
        }
    }

    /// Keys are compared as bytes, as the reader compares them.
    static func repeatedKey(in members: [JSONMember]) -> String? {
        // Keys that ascend are all different.
        if zip(members, members.dropFirst()).allSatisfy({ utf8Precedes($0.key, $1.key) }) { return nil }
        if members.count < 9 {
            for (index, member) in members.enumerated()
            where members[..<index].contains(where: { $0.key.utf8.elementsEqual(member.key.utf8) }) {
                return member.key
            }
            return nil
        }
        var seen: Set<[UInt8]> = []
        return members.first { !seen.insert(Array($0.key.utf8)).inserted }?.key
    }
}
