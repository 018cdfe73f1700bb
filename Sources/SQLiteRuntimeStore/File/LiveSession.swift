internal import CLinuxShims
internal import Glibc
package import LibOSModel
internal import LinuxPrimitives
internal import Synchronization

/// Says that the program behind a process is alive although it does not hold the store: a session that opens it for moments only has
/// calls under way in between, and whoever opens it meanwhile must not take those for the rest of a crash.
///
/// A lock on a file of its own beside the store, which the kernel lets go with the program.
package final class LiveSession: Sendable {
    private let file: Mutex<OwnedDescriptor?>
    private let path: String

    /// Holds the lock until `end`.
    package init(of process: ProcessID, store: String) throws(LibOSError) {
        path = Self.path(process, store)
        let number = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw StoreFile.refusal(SystemError(errno: errno, operation: "open", object: path)) }
        let file = OwnedDescriptor(adopting: number)
        let result = gbx_try_lock(file.rawValue)
        guard result >= 0 else { throw StoreFile.refusal(SystemError(errno: -result, operation: "flock", object: path)) }
        self.file = Mutex(consume file)
    }

    package func end() {
        file.withLock { file in
            guard file != nil else { return }
            unlink(path)
            file = nil
        }
    }

    deinit { end() }

    /// The file of a program that has died is removed.
    static func isHeld(_ process: ProcessID, store: String) -> Bool {
        let path = path(process, store)
        let number = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return false }
        let file = OwnedDescriptor(adopting: number)
        if gbx_try_lock(file.rawValue) == -EWOULDBLOCK { return true }
        unlink(path)
        return false
    }

    private static func path(_ process: ProcessID, _ store: String) -> String { "\(store).session-\(process)" }
}
