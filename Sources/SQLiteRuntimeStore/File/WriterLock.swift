internal import CLinuxShims
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives

/// The advisory lock of the one program that writes to a store. The kernel lets it go with the program, however that ends; the file
/// stays, and the number in it is for people.
enum WriterLock {
    /// Holds the lock as long as it lives.
    final class Held: Sendable {
        private let file: OwnedDescriptor

        init(_ file: consuming OwnedDescriptor) { self.file = file }
    }

    /// Microseconds between two looks at a lock that somebody else holds: the kernel's own waiting has no end in time.
    private static let pause: UInt32 = 2_000

    static func take(directory: Int32, name: String, store: String, patience: UInt64) throws(LibOSError) -> OwnedDescriptor {
        let deadline = MonotonicClock.now() &+ patience &* 1_000_000
        // Somebody may remove the file between its opening and the lock; a lock on a file without a name excludes nobody.
        for _ in 0..<16 {
            let number = openat(directory, name + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard number >= 0 else {
                throw StoreFile.refusal(SystemError(errno: errno, operation: "open", object: store + ".lock"))
            }
            let file = OwnedDescriptor(adopting: number)
            var result = gbx_try_lock(file.rawValue)
            while result == -EWOULDBLOCK, MonotonicClock.now() < deadline {
                usleep(pause)
                result = gbx_try_lock(file.rawValue)
            }
            if result == -EWOULDBLOCK { throw busy(file, store) }
            if result < 0 { throw StoreFile.refusal(SystemError(errno: -result, operation: "flock", object: store + ".lock")) }
            if try isStillNamed(file, directory, name + ".lock") {
                try write(file, store)
                return file
            }
        }
        throw LibOSError(.store, "the lock file of the store \(store) keeps changing", mend: "see who removes \(store).lock")
    }

    private static func isStillNamed(_ file: borrowing OwnedDescriptor, _ directory: Int32, _ name: String) throws(LibOSError) -> Bool {
        do {
            let opened = try FileIdentity.of(file.rawValue)
            guard opened.isRegularFile else { throw StoreFile.refusal("its lock file is no ordinary file", mend: "remove it") }
            guard let named = try FileIdentity.ifPresent(name: name, at: directory) else { return false }
            return named.device == opened.device && named.inode == opened.inode
        } catch let error as LibOSError {
            throw error
        } catch let error as SystemError {
            throw StoreFile.refusal(error)
        } catch {
            throw LibOSError(.store, "\(error)")
        }
    }

    private static func write(_ file: borrowing OwnedDescriptor, _ store: String) throws(LibOSError) {
        let text = Array("\(getpid())\nThe kernel releases this lock when that program ends; removing the file releases nothing.\n".utf8)
        guard ftruncate(file.rawValue, 0) == 0, pwrite(file.rawValue, text, text.count, 0) == text.count else {
            throw StoreFile.refusal(SystemError(errno: errno, operation: "write", object: store + ".lock"))
        }
    }

    /// How the error of a store that somebody else holds goes on after the store's name.
    static let busyWords = " is already open for writing"

    private static func busy(_ file: borrowing OwnedDescriptor, _ store: String) -> LibOSError {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = max(0, pread(file.rawValue, &bytes, bytes.count, 0))
        let digits = String(decoding: bytes.prefix(count).prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
        let holder = Int32(digits).map { "process \($0)" } ?? "another process"
        return LibOSError(
            .store, "the store \(store)\(busyWords), by \(holder)",
            mend: "let that program end, or open the store for reading only")
    }
}
