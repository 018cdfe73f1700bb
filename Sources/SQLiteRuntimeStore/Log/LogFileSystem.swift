internal import GRDBSQLite

/// SQLite's own way to files, except for the log of a store that is written to: that one is a `LogFile`. Registered beside the standard
/// one and asked for by name, so that nothing else in the program that uses SQLite is touched.
enum LogFileSystem {
    private static let name = "glovebox-log"

    /// What SQLite opens a file by so that its log is written in batches; the plain path when this SQLite cannot be asked for that.
    static func location(of path: String) -> String {
        guard isRegistered, sqlite3_compileoption_used("USE_URI") == 1 else { return path }
        // What begins with two slashes would name a host.
        var text = path.utf8.starts(with: "//".utf8) ? "file:/." : "file:"
        for scalar in path.unicodeScalars {
            switch scalar {
            case "%": text += "%25"
            case "?": text += "%3f"
            case "#": text += "%23"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "?vfs=" + name
    }

    /// Once for the program, and for as long as it lives.
    private static let isRegistered: Bool = {
        guard let standard else { return false }
        let system = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        system.initialize(to: standard.pointee)
        system.pointee.pNext = nil
        system.pointee.zName = UnsafePointer(copied(name))
        system.pointee.szOsFile = Int32(Handle.size) + standard.pointee.szOsFile
        system.pointee.xOpen = { _, path, file, flags, given in
            guard let standard = LogFileSystem.standard, let file else { return SQLITE_CANTOPEN }
            guard flags & SQLITE_OPEN_WAL != 0 else { return standard.pointee.xOpen(standard, path, file, flags, given) }
            return Handle.open(file, as: standard, path, flags, given)
        }
        return sqlite3_vfs_register(system, 0) == SQLITE_OK
    }()

    /// As long as the program lives.
    nonisolated(unsafe) private static let standard: UnsafeMutablePointer<sqlite3_vfs>? = sqlite3_vfs_find(nil)

    private static func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { copy[index] = byte }
        return copy
    }
}

/// What SQLite keeps of an open log: its methods, the `LogFile`, and behind them the standard file that this one writes to.
private struct Handle {
    var methods: UnsafePointer<sqlite3_io_methods>?
    var log: Unmanaged<LogFile>

    static var size: Int { (MemoryLayout<Handle>.stride + 15) & ~15 }

    static func open(
        _ file: UnsafeMutablePointer<sqlite3_file>, as standard: UnsafeMutablePointer<sqlite3_vfs>, _ path: UnsafePointer<CChar>?,
        _ flags: Int32, _ given: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        file.pointee.pMethods = nil
        let inner = (UnsafeMutableRawPointer(file) + size).assumingMemoryBound(to: sqlite3_file.self)
        inner.pointee.pMethods = nil
        let code = standard.pointee.xOpen(standard, path, inner, flags, given)
        guard code == SQLITE_OK else {
            if let methods = inner.pointee.pMethods { _ = methods.pointee.xClose(inner) }
            return code
        }
        UnsafeMutableRawPointer(file).bindMemory(to: Handle.self, capacity: 1)
            .initialize(to: Handle(methods: table, log: .passRetained(LogFile(inner))))
        return SQLITE_OK
    }

    private static func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Handle {
        guard let file else { preconditionFailure("SQLite calls a method of a file") }
        return UnsafeMutableRawPointer(file).assumingMemoryBound(to: Handle.self).pointee
    }

    private static func log(_ file: UnsafeMutablePointer<sqlite3_file>?) -> LogFile { handle(file).log.takeUnretainedValue() }

    /// The first version of the methods: a log is neither locked nor mapped.
    nonisolated(unsafe) private static let table: UnsafePointer<sqlite3_io_methods> = {
        var methods = sqlite3_io_methods()
        methods.iVersion = 1
        methods.xClose = { file in
            let handle = Handle.handle(file)
            defer { handle.log.release() }
            return handle.log.takeUnretainedValue().close()
        }
        methods.xRead = { file, bytes, count, offset in
            Handle.log(file).flushed { $1.xRead($0, bytes, count, offset) }
        }
        methods.xWrite = { file, bytes, count, offset in
            Handle.log(file).write(UnsafeRawBufferPointer(start: bytes, count: Int(count)), at: offset)
        }
        methods.xTruncate = { file, size in Handle.log(file).flushed { $1.xTruncate($0, size) } }
        methods.xSync = { file, flags in Handle.log(file).flushed { $1.xSync($0, flags) } }
        methods.xFileSize = { file, size in Handle.log(file).flushed { $1.xFileSize($0, size) } }
        methods.xLock = { file, level in Handle.log(file).flushed { $1.xLock($0, level) } }
        methods.xUnlock = { file, level in Handle.log(file).flushed { $1.xUnlock($0, level) } }
        methods.xCheckReservedLock = { file, result in Handle.log(file).flushed { $1.xCheckReservedLock($0, result) } }
        methods.xFileControl = { file, operation, argument in
            Handle.log(file).flushed { $1.xFileControl($0, operation, argument) }
        }
        methods.xSectorSize = { file in
            Handle.log(file).properties { $1.xSectorSize($0) }
        }
        methods.xDeviceCharacteristics = { file in
            Handle.log(file).properties { $1.xDeviceCharacteristics($0) }
        }
        let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        table.initialize(to: methods)
        return UnsafePointer(table)
    }()
}
