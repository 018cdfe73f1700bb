internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// What models were asked last, process by process: so that a request is written as what is new in it, and only that is made into text.
///
/// What is remembered is never trusted to be in the store: it may have been undone. Whoever writes looks.
final class RequestTexts: Sendable {
    /// A request that is written out.
    struct Base: Sendable {
        var call: ModelCallID
        var sequence: Int64
        var text: [UInt8]
    }

    struct Request {
        /// Canonical.
        var text: [UInt8]
        /// Whose text it begins with, and how many bytes of that.
        var base: Base?
        var shared = 0
    }

    /// A long text and the same as it stands in JSON.
    private struct Escaped {
        var text: String
        var json: [UInt8]
    }

    private struct Known {
        var base: Base?
        var long: [Escaped] = []
    }

    /// Processes whose requests are kept, and bytes of the longest one.
    private static let most = 64
    private static let longest = 1 << 20
    /// Shorter texts are escaped as fast as they are compared.
    private static let shortest = 1024
    /// What is new in a request may be this long before it is written out anew.
    private static let leastNew = 4096
    private let known = Mutex<[ProcessID: Known]>([:])

    /// What `StoredJSON.text` says of the messages, and what they share with those of the process that are written out.
    func request(_ messages: JSONValue, of process: ProcessID) throws(LibOSError) -> Request {
        let old = known.withLock { $0[process] }
        var long: [Escaped] = []
        let text = try Self.text(of: messages, old?.long ?? [], &long)
        let (texts, isKept) = (long, text.count <= Self.longest)
        known.withLock { known in
            if known.count >= Self.most, known[process] == nil { known = [:] }
            known[process, default: Known()].long = isKept ? texts : []
        }
        guard let base = old?.base else { return Request(text: text) }
        let shared = Self.boundary(in: text, atOrBefore: Self.commonPrefix(base.text, text))
        guard text.count - shared <= max(Self.leastNew, text.count / 4), shared >= Self.shortest else { return Request(text: text) }
        return Request(text: text, base: base, shared: shared)
    }

    /// To be called for a request that was written out.
    func keep(_ base: Base, of process: ProcessID) {
        guard base.text.count <= Self.longest else { return }
        known.withLock { $0[process]?.base = base }
    }

    // MARK: - Text

    private static func text(of messages: JSONValue, _ old: [Escaped], _ long: inout [Escaped]) throws(LibOSError) -> [UInt8] {
        guard case .array(let items) = messages else { return Array(try StoredJSON.text(of: messages).utf8) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(old.reduce(4096) { $0 + $1.json.count })
        bytes.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            guard case .object(let members) = item, StoredJSON.repeatedKey(in: members) == nil else {
                bytes.append(contentsOf: try StoredJSON.text(of: item, depth: 1).utf8)
                continue
            }
            bytes.append(UInt8(ascii: "{"))
            for (place, member) in members.sorted(by: { utf8Precedes($0.key, $1.key) }).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(contentsOf: JSONValue.string(member.key).canonicalText.utf8)
                bytes.append(UInt8(ascii: ":"))
                guard case .string(let text) = member.value, text.utf8.count >= shortest else {
                    bytes.append(contentsOf: try StoredJSON.text(of: member.value, depth: 2).utf8)
                    continue
                }
                let before = long.count < old.count ? old[long.count] : nil
                long.append(Escaped(text: text, json: escaped(text, after: before)))
                bytes.append(contentsOf: long[long.count - 1].json)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// Each byte is escaped for itself, so two texts that begin alike do so in JSON too.
    private static func escaped(_ given: String, after before: Escaped?) -> [UInt8] {
        var text = given
        guard var old = before?.text, let json = before?.json else { return Array(JSONValue.string(text).canonicalText.utf8) }
        return text.withUTF8 { new in
            old.withUTF8 { old in
                let shared = boundary(in: new, atOrBefore: commonPrefix(old, new))
                // The rest of the old one, without the quote that opens it.
                let gone = JSONValue.string(String(decoding: UnsafeBufferPointer(rebasing: old[shared...]), as: UTF8.self))
                    .canonicalByteCount
                let rest = JSONValue.string(String(decoding: UnsafeBufferPointer(rebasing: new[shared...]), as: UTF8.self)).canonicalText
                return Array(json[..<(json.count - (gone - 1))]) + rest.utf8.dropFirst()
            }
        }
    }

    private static func commonPrefix(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { commonPrefix(a, $0) } }
    }

    private static func commonPrefix(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        let count = min(a.count, b.count)
        let (first, second) = (UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
        var at = 0
        while at + 8 <= count {
            let one = first.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if one != second.loadUnaligned(fromByteOffset: at, as: UInt64.self) { break }
            at += 8
        }
        while at < count, a[at] == b[at] { at += 1 }
        return at
    }

    /// The last place up to this one at which a character of the text begins, or its end.
    private static func boundary(in text: some RandomAccessCollection<UInt8>, atOrBefore place: Int) -> Int {
        var at = place
        while at > 0, at < text.count, text[text.index(text.startIndex, offsetBy: at)] & 0xC0 == 0x80 { at -= 1 }
        return at
    }
}
