internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// The arguments of one syscall, read strictly: an object, known keys only, each of its type and within its bounds. `null` counts
/// as absent.
struct SyscallArguments {
    let syscall: String
    private let members: [String: JSONValue]

    init(_ syscall: Syscall, keys: Set<String>) throws(LibOSError) {
        self.syscall = syscall.name
        guard case .object(let given) = syscall.arguments else {
            throw LibOSError(.validation, "the arguments of \(syscall.name) are no object", mend: "send an object")
        }
        var members: [String: JSONValue] = [:]
        for member in given {
            guard keys.contains(member.key) else {
                throw LibOSError(
                    .validation, "\(syscall.name) has no argument `\(printable(String(member.key.prefix(128))))`",
                    mend: keys.isEmpty ? "it takes none" : "it takes " + keys.sorted(by: utf8Precedes).joined(separator: ", "))
            }
            guard members.updateValue(member.value, forKey: member.key) == nil else {
                throw LibOSError(.validation, "the argument `\(member.key)` of \(syscall.name) stands there twice", mend: "keep one")
            }
        }
        self.members = members.filter { $0.value != .null }
    }

    /// An argument that may be null, for which null is a value.
    static func isGiven(_ key: String, in syscall: Syscall) -> Bool { syscall.arguments[key] != nil }

    func has(_ key: String) -> Bool { members[key] != nil }

    /// At most `longest` bytes.
    func text(_ key: String, longest: Int = 65_536) throws(LibOSError) -> String? {
        guard let value = members[key] else { return nil }
        guard case .string(let text) = value else { throw wrong(key, "a text") }
        guard text.utf8.count <= longest else { throw wrong(key, "a text of at most \(longest) bytes") }
        return text
    }

    func requiredText(_ key: String, longest: Int = 65_536) throws(LibOSError) -> String {
        guard let text = try text(key, longest: longest) else { throw missing(key) }
        return text
    }

    func flag(_ key: String) throws(LibOSError) -> Bool? {
        guard let value = members[key] else { return nil }
        guard case .bool(let flag) = value else { throw wrong(key, "true or false") }
        return flag
    }

    func number(_ key: String, in range: ClosedRange<Int64>) throws(LibOSError) -> Int64? {
        guard let value = members[key] else { return nil }
        guard case .int(let number) = value, range.contains(number) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func seconds(_ key: String, atMost limit: Double) throws(LibOSError) -> Double {
        let number: Double
        switch members[key] {
        case .int(let whole)?: number = Double(whole)
        case .double(let value)?: number = value
        case nil: throw missing(key)
        default: throw wrong(key, "a number of seconds")
        }
        guard number >= 0, number <= limit else { throw wrong(key, "a number of seconds from 0 to \(Int(limit))") }
        return number
    }

    func value(_ key: String) -> JSONValue? { members[key] }

    func object(_ key: String) throws(LibOSError) -> JSONValue? {
        guard let value = members[key] else { return nil }
        guard case .object = value else { throw wrong(key, "an object") }
        return value
    }

    func list(_ key: String, atMost limit: Int) throws(LibOSError) -> [JSONValue]? {
        guard let value = members[key] else { return nil }
        guard case .array(let items) = value, items.count <= limit else { throw wrong(key, "a list of at most \(limit) items") }
        return items
    }

    func texts(_ key: String, atMost limit: Int, longest: Int = 4096) throws(LibOSError) -> [String]? {
        guard let items = try list(key, atMost: limit) else { return nil }
        var texts: [String] = []
        for item in items {
            guard case .string(let text) = item, text.utf8.count <= longest else { throw wrong(key, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    func word<Word: RawRepresentable & CaseIterable>(_ key: String, _: Word.Type) throws(LibOSError) -> Word?
    where Word.RawValue == String {
        guard let text = try text(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw wrong(key, "one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }

    func id<Kind>(_ key: String, _: Kind.Type) throws(LibOSError) -> Identifier<Kind>? {
        guard let text = try text(key) else { return nil }
        guard let id = Identifier<Kind>(text) else { throw wrong(key, "an id that starts with \(Kind.prefix)_") }
        return id
    }

    func requiredID<Kind>(_ key: String, _ kind: Kind.Type) throws(LibOSError) -> Identifier<Kind> {
        guard let id = try id(key, kind) else { throw missing(key) }
        return id
    }

    func ids<Kind>(_ key: String, _: Kind.Type, atMost limit: Int) throws(LibOSError) -> Set<Identifier<Kind>>? {
        guard let texts = try texts(key, atMost: limit) else { return nil }
        var ids: Set<Identifier<Kind>> = []
        for text in texts {
            guard let id = Identifier<Kind>(text) else { throw wrong(key, "a list of ids that start with \(Kind.prefix)_") }
            ids.insert(id)
        }
        return ids
    }

    func missing(_ key: String) -> LibOSError {
        LibOSError(.validation, "\(syscall) needs the argument `\(key)`", mend: "add it")
    }

    func wrong(_ key: String, _ wanted: String) -> LibOSError {
        LibOSError(.validation, "the argument `\(key)` of \(syscall) is not what it should be", mend: "send \(wanted)")
    }
}
