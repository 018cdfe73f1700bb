internal import GRDBSQLite

/// The write-ahead log as SQLite sees it: SQLite's own file, and the frames on their way into it.
final class LogFile {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private var frames: LogFrames
    private static let largest = 1 << 16

    init(_ file: UnsafeMutablePointer<sqlite3_file>) {
        self.file = file
        frames = LogFrames { bytes, offset in
            // SQLite's own file takes less than 128 KiB at once: it drops the higher bits of a size.
            var from = 0
            while from < bytes.count {
                let count = min(Self.largest, bytes.count - from)
                let code = file.pointee.pMethods.pointee.xWrite(
                    file, bytes.baseAddress.map { $0 + from }, Int32(count), offset + Int64(from))
                if code != SQLITE_OK { return code }
                from += count
            }
            return SQLITE_OK
        }
    }

    private var methods: sqlite3_io_methods { file.pointee.pMethods.pointee }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 { frames.write(bytes, at: offset) }

    /// As SQLite's own file does it, after what was held back.
    func flushed(_ body: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) -> Int32) -> Int32 {
        let code = frames.flush()
        return code == SQLITE_OK ? body(file, methods) : code
    }

    /// What the file is like, whatever it holds.
    func properties(_ body: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) -> Int32) -> Int32 { body(file, methods) }

    func close() -> Int32 {
        let code = frames.flush()
        let closed = methods.xClose(file)
        return code == SQLITE_OK ? closed : code
    }
}
