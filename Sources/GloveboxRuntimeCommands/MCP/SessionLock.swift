internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives

/// Shows that somebody stands behind a session: a file beside the store, locked as long as its supervisor lives. The kernel lets the lock
/// go with the program, however that ends.
final class SessionLock: Sendable {
    private let path: String
    private let file: OwnedDescriptor

    init(store: String, _ process: ProcessID) throws(SystemError) {
        path = Self.path(store, process)
        let number = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: path) }
        file = OwnedDescriptor(adopting: number)
        // Somebody who asks whether it is held holds it for a moment.
        for _ in 0..<100 {
            if try FileLock.take(file.rawValue) { return }
            usleep(1_000)
        }
        throw SystemError(errno: EWOULDBLOCK, operation: "flock", object: path)
    }

    func remove() { unlink(path) }

    static func remove(store: String, _ process: ProcessID) { unlink(path(store, process)) }

    /// What cannot be told counts as held: a session that lives must not be ended.
    static func isHeld(store: String, _ process: ProcessID) -> Bool {
        let number = open(path(store, process), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        if number < 0 { return errno != ENOENT }
        let file = OwnedDescriptor(adopting: number)
        return (try? FileLock.take(file.rawValue)) != true
    }

    /// Whether there is a session of this store that nobody stands behind, as its files tell.
    static func hasAbandoned(store: String) -> Bool {
        let slash = store.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { $0 == store.startIndex ? "/" : String(store[..<$0]) } ?? "."
        let prefix = (slash.map { String(store[store.utf8.index(after: $0)...]) } ?? store) + infix
        let number = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return false }
        let opened = OwnedDescriptor(adopting: number)
        let names = (try? DirectoryListing.names(opened.rawValue)) ?? []
        return names.contains { name in
            guard name.hasPrefix(prefix), let process = ProcessID(String(name.dropFirst(prefix.count))) else { return false }
            return !isHeld(store: store, process)
        }
    }

    private static let infix = ".session-"
    private static func path(_ store: String, _ process: ProcessID) -> String { store + infix + process.text }
}
