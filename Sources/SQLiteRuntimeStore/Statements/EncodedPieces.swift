internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Canonical texts of the parts of long values that grow at their end, such as the account that a model reads: a part that has not
/// changed since the value was last written is not made into text again.
///
/// A part is known by the array that holds it. It is kept here with its text, so nothing can change it in place, and no other array
/// can come to lie where it lies.
final class EncodedPieces: Sendable {
    private struct Piece {
        var value: JSONValue
        var text: [UInt8]
    }

    private struct State {
        var values: [String: [UInt: Piece]] = [:]
        var bytes = 0
    }

    /// Shorter parts are written as fast as they are looked up.
    private static let shortest = 64
    /// Bytes that are kept in all.
    private let room: Int
    private let state = Mutex(State())

    init(room: Int = 8 << 20) { self.room = room }

    /// What `StoredJSON.text` says of the value.
    /// - Parameter place: The same whenever the same value is written anew.
    func bytes(of value: JSONValue, at place: String) throws(LibOSError) -> [UInt8] {
        guard case .object(let members) = value, StoredJSON.repeatedKey(in: members) == nil else {
            return Array(try StoredJSON.text(of: value).utf8)
        }
        var writing = Writing(known: state.withLock { $0.values[place] } ?? [:])
        try writing.add(members) { (writing, value) throws(LibOSError) in
            switch value {
            case .object(let members) where StoredJSON.repeatedKey(in: members) == nil:
                try writing.add(members) { (writing, value) throws(LibOSError) in try writing.addPiece(value) }
            case .array(let items): try writing.add(items)
            default: try writing.add(value, depth: 1)
            }
        }
        keep(writing.met, at: place)
        return writing.bytes
    }

    private func keep(_ pieces: [UInt: Piece], at place: String) {
        let size = pieces.values.reduce(0) { $0 + $1.text.count }
        state.withLock { state in
            if let old = state.values.removeValue(forKey: place) { state.bytes -= old.values.reduce(0) { $0 + $1.text.count } }
            if size > room / 4 { return }
            if state.bytes + size > room { state = State() }
            state.values[place] = pieces
            state.bytes += size
        }
    }

    private struct Writing {
        let known: [UInt: Piece]
        var met: [UInt: Piece] = [:]
        var bytes: [UInt8] = []

        init(known: [UInt: Piece]) {
            self.known = known
            bytes.reserveCapacity(known.values.reduce(4096) { $0 + $1.text.count })
        }

        mutating func add(
            _ members: [JSONMember], _ body: (inout Writing, JSONValue) throws(LibOSError) -> Void
        ) throws(LibOSError) {
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { utf8Precedes($0.key, $1.key) }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(contentsOf: JSONValue.string(member.key).canonicalText.utf8)
                bytes.append(UInt8(ascii: ":"))
                try body(&self, member.value)
            }
            bytes.append(UInt8(ascii: "}"))
        }

        mutating func add(_ items: [JSONValue]) throws(LibOSError) {
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try addPiece(item)
            }
            bytes.append(UInt8(ascii: "]"))
        }

        mutating func add(_ value: JSONValue, depth: Int) throws(LibOSError) {
            bytes.append(contentsOf: try StoredJSON.text(of: value, depth: depth).utf8)
        }

        mutating func addPiece(_ value: JSONValue) throws(LibOSError) {
            guard let place = value.place else { return try add(value, depth: 2) }
            if let piece = known[place] {
                bytes.append(contentsOf: piece.text)
                met[place] = piece
                return
            }
            let from = bytes.count
            try add(value, depth: 2)
            if bytes.count - from >= EncodedPieces.shortest { met[place] = Piece(value: value, text: Array(bytes[from...])) }
        }
    }
}

extension JSONValue {
    /// Where the array lies that holds the parts of a value; nil when it has none.
    fileprivate var place: UInt? {
        switch self {
        case .array(let items): items.isEmpty ? nil : items.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        case .object(let members): members.isEmpty ? nil : members.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        default: nil
        }
    }
}
