/// The frames of a transaction on their way into the write-ahead log, put there in one write.
///
/// SQLite writes a frame's header and its page apart, so a small transaction of twenty pages costs forty system calls: more than all
/// of its statements. Here frames are held back until the one that ends the transaction, and that one is not answered before all of
/// them are in the file. Until then nobody else reads them: what SQLite tells other connections of the log is written afterwards.
/// Whatever is not the next frame of the same transaction goes to the file at once, behind what was held back.
struct LogFrames {
    /// SQLITE_OK, or what went wrong.
    typealias Code = Int32

    private let put: (UnsafeRawBufferPointer, Int64) -> Code
    private var held: [UInt8] = []
    /// Where `held` belongs in the file.
    private var start: Int64 = 0
    /// What has come of the frame that `held` ends with.
    private var part = Part.whole
    /// Where the log has been written to so far. What is written before that is no new frame: after a page was written a second time
    /// SQLite corrects the headers of frames that are there already, and the last of those has no page behind it.
    private var end: Int64 = 0

    private enum Part { case whole, header, lastHeader }

    private static let headerSize = 24
    /// Bytes that are held back at most; a larger transaction is written in several pieces, as it would be without this.
    static let room = 1 << 16

    /// - Parameter put: Writes bytes at a place of the file, all of them or none that count.
    init(put: @escaping (UnsafeRawBufferPointer, Int64) -> Code) {
        self.put = put
        held.reserveCapacity(1 << 16)
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Code {
        if !held.isEmpty, offset != start + Int64(held.count) {
            let code = flush()
            if code != 0 { return code }
        }
        // A log that begins anew.
        if offset == 0 { end = 0 }
        let isAppended = offset >= end
        end = max(end, offset + Int64(bytes.count))
        switch part {
        case .whole where bytes.count == Self.headerSize && isAppended:
            if held.isEmpty { start = offset }
            // The size of the database after the transaction; 0 in every frame but its last.
            part = bytes[4..<8].allSatisfy { $0 == 0 } ? .header : .lastHeader
            held.append(contentsOf: bytes)
            return 0
        case .header where held.count < Self.room:
            part = .whole
            held.append(contentsOf: bytes)
            return 0
        case .header, .lastHeader:
            held.append(contentsOf: bytes)
            return flush()
        case .whole:
            let code = flush()
            return code == 0 ? put(bytes, offset) : code
        }
    }

    /// Puts what is held back into the file. After a failure SQLite undoes the transaction, and nothing of it is tried again.
    mutating func flush() -> Code {
        part = .whole
        if held.isEmpty { return 0 }
        let code = held.withUnsafeBytes { put($0, start) }
        held.removeAll(keepingCapacity: held.capacity <= 2 * Self.room)
        return code
    }
}
