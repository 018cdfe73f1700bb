internal import Glibc
internal import Synchronization

/// What long columns were decoded to. A value is given again only for the very bytes that it stood for, so nothing here can be out of
/// date: not after a change, not after a transaction that was undone, not when somebody else wrote the file.
final class DecodedColumns: Sendable {
    private struct Entry {
        var bytes: [UInt8]
        var value: any Sendable
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
    }

    /// Shorter columns are decoded as fast as they are looked up.
    static let shortest = 256
    /// Bytes that are kept in all.
    private let room: Int
    private let state = Mutex(State())

    init(room: Int = 8 << 20) { self.room = room }

    func value<Value: Sendable>(of type: Value.Type = Value.self, at place: String, for bytes: UnsafeBufferPointer<UInt8>) -> Value? {
        state.withLock { state in
            guard let entry = state.entries[place], entry.bytes.count == bytes.count, let start = bytes.baseAddress,
                entry.bytes.withUnsafeBytes({ $0.baseAddress.map { memcmp($0, start, bytes.count) } == 0 })
            else { return nil }
            return entry.value as? Value
        }
    }

    func keep(_ value: some Sendable, at place: String, for bytes: [UInt8]) {
        guard bytes.count >= Self.shortest, bytes.count <= room / 4 else { return }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: place) { state.bytes -= old.bytes.count }
            if state.bytes + bytes.count > room { state = State() }
            state.entries[place] = Entry(bytes: bytes, value: value)
            state.bytes += bytes.count
        }
    }
}
