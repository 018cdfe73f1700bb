internal import GRDBSQLite
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import StrictJSON

/// The file of a store and the directory that it stands in, both checked: records of decisions belong to one user alone.
struct StoreFile: ~Copyable {
    let path: String
    let name: String
    private let directory: OwnedDescriptor

    /// Files that SQLite keeps beside the store, with the store's own mode.
    private static let companions = ["-wal", "-shm", "-journal"]

    enum Purpose { case reading, writing }

    /// Checks what there is; for writing, makes the directory (0700) and the file (0600) that are missing.
    init(path: String, for purpose: Purpose) throws(LibOSError) {
        let bytes = path.utf8
        guard !bytes.isEmpty, !bytes.contains(0), bytes.last != UInt8(ascii: "/") else {
            throw LibOSError(.validation, "`\(printable(path))` names no file", mend: "name a file for the store")
        }
        let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { String(path[bytes.index(after: $0)...]) } ?? path
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if purpose == .writing { try Self.makeDirectory(parent) }
        let directory = try Self.openDirectory(parent)
        try Self.check(try Self.identity(of: directory.rawValue, parent), "the directory \(parent)", for: purpose)
        if purpose == .writing { try Self.makeFile(path, name, in: directory.rawValue) }
        try Self.checkFiles(path, name, in: directory.rawValue, for: purpose)
        self.path = path
        self.name = name
        self.directory = directory
    }

    private static func checkFiles(
        _ path: String, _ name: String, in directory: Int32, for purpose: Purpose
    ) throws(LibOSError) {
        guard let file = try identity(of: name, in: directory) else { throw .notFound("store \(path)") }
        guard file.isRegularFile else {
            throw refusal("\(path) is \(file.isSymbolicLink ? "a link" : "no ordinary file")", mend: "name the real file")
        }
        try check(file, path, for: purpose)
        // SQLite takes such a rest of a file for an empty database and would begin anew.
        if (1..<512).contains(file.size) {
            throw StoreFailure.error(code: SQLITE_NOTADB, message: "it has \(file.size) bytes", store: path)
        }
        for companion in companions {
            guard let found = try identity(of: name + companion, in: directory) else { continue }
            guard found.isRegularFile else { throw refusal("\(path)\(companion) is no ordinary file", mend: "remove it") }
            try check(found, path + companion, for: purpose)
        }
    }

    /// The lock that one writer holds as long as the descriptor is open.
    /// - Parameter patience: milliseconds to wait for whoever holds it.
    borrowing func lock(patience: UInt64) throws(LibOSError) -> OwnedDescriptor {
        try WriterLock.take(directory: directory.rawValue, name: name, store: path, patience: patience)
    }

    /// The log that SQLite keeps beside the file. It is there as long as a connection is open that has met the file.
    borrowing func log() throws(LibOSError) -> LogSync {
        let number = openat(directory.rawValue, name + "-wal", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw Self.refusal(SystemError(errno: errno, operation: "open", object: path + "-wal")) }
        let log = OwnedDescriptor(adopting: number)
        let place = openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { throw Self.refusal(SystemError(errno: errno, operation: "open", object: path)) }
        return LogSync(log: log, directory: OwnedDescriptor(adopting: place), store: path)
    }

    private static func makeDirectory(_ path: String) throws(LibOSError) {
        guard mkdir(path, 0o700) != 0 else { return }
        let failure = errno
        if failure != EEXIST { throw refusal(SystemError(errno: failure, operation: "mkdir", object: path)) }
    }

    private static func openDirectory(_ path: String) throws(LibOSError) -> OwnedDescriptor {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        let failure = errno
        if number >= 0 { return OwnedDescriptor(adopting: number) }
        switch failure {
        case ELOOP, ENOTDIR: throw refusal("\(path) is a link or no directory", mend: "name the real directory")
        case ENOENT: throw .notFound("directory \(path)")
        default: throw refusal(SystemError(errno: failure, operation: "open", object: path))
        }
    }

    /// The file is ours alone from its first moment, whatever the umask is.
    private static func makeFile(_ path: String, _ name: String, in directory: Int32) throws(LibOSError) {
        let number = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        let failure = errno
        if number >= 0 {
            let file = OwnedDescriptor(adopting: number)
            // The name has to survive a loss of power as well as what will be written below it.
            guard fsync(file.rawValue) == 0, fsync(directory) == 0 else {
                throw refusal(SystemError(errno: errno, operation: "fsync", object: path))
            }
        } else if failure != EEXIST {
            throw refusal(SystemError(errno: failure, operation: "open", object: path))
        }
    }

    private static func check(_ found: FileIdentity, _ what: String, for purpose: Purpose) throws(LibOSError) {
        let user = geteuid()
        if found.uid != user, !(purpose == .reading && user == 0) {
            throw refusal("\(what) belongs to user \(found.uid), not to \(user)", mend: "use a store of your own")
        }
        if found.mode & 0o022 != 0 { throw refusal("\(what) can be written by others", mend: "chmod go-w it, if you trust what it holds") }
        if !found.isDirectory, found.mode & 0o077 != 0 {
            throw refusal("\(what) can be read by others", mend: "chmod 600 it")
        }
    }

    private static func identity(of descriptor: Int32, _ path: String) throws(LibOSError) -> FileIdentity {
        do { return try FileIdentity.of(descriptor) } catch { throw refusal(error) }
    }

    private static func identity(of name: String, in directory: Int32) throws(LibOSError) -> FileIdentity? {
        do { return try FileIdentity.ifPresent(name: name, at: directory) } catch { throw refusal(error) }
    }

    static func refusal(_ message: String, mend: String) -> LibOSError {
        LibOSError(.store, "the store is refused: \(message)", mend: mend)
    }
    static func refusal(_ error: SystemError) -> LibOSError { LibOSError(.store, "the store cannot be opened: \(error)") }
}
