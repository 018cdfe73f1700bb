internal import LibOSModel
internal import StrictJSON

/// What changed between two descriptions of a tool, for people and for the record.
enum DefinitionChange {
    private static let longest = 512

    static func facts(from old: JSONValue, to new: JSONValue) -> JSONValue {
        var members: [JSONMember] = []
        for key in keys(old, new) {
            let (before, after) = (old[key]?.canonicalText, new[key]?.canonicalText)
            if before.map({ Array($0.utf8) }) == after.map({ Array($0.utf8) }) { continue }
            members.append(JSONMember(printable(key), .object(["before": shown(before), "after": shown(after)])))
        }
        return .object([
            "before_sha256": .string(SHA256Text.of(old.canonicalText)), "after_sha256": .string(SHA256Text.of(new.canonicalText)),
            "changed": .object(members), "reason": .string("the server describes the tool differently than when it was agreed to"),
        ])
    }

    private static func keys(_ old: JSONValue, _ new: JSONValue) -> [String] {
        var keys: [String] = []
        for case .object(let members) in [old, new] {
            for member in members where !keys.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) { keys.append(member.key) }
        }
        return Array(keys.prefix(16))
    }

    private static func shown(_ text: String?) -> JSONValue {
        .optional(text.map { printable(String(String.UnicodeScalarView($0.unicodeScalars.prefix(longest)))) })
    }
}
