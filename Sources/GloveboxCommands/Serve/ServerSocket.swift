internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives

/// The socket that a server listens on, and what belongs to it.
struct ServerSocket: ~Copyable {
    let listener: OwnedDescriptor
    let place: ServerPlace
    /// Nil for a socket that somebody else made and keeps (systemd).
    private let directory: OwnedDescriptor?
    /// Held as long as this server lives: a second one finds it taken, and whatever a dead one left is free.
    private let lock: OwnedDescriptor?

    static let backlog: Int32 = 64

    /// Makes the socket, and its directory where that is missing. A socket that a dead server left is replaced.
    static func open(_ place: ServerPlace) throws(CommandFailure) -> ServerSocket {
        do throws(ServerPlace.Problem) {
            if mkdir(place.directory, 0o700) != 0, errno != EEXIST {
                let error = SystemError(errno: errno, operation: "mkdir", object: place.directory)
                throw ServerPlace.Problem(
                    message: "the directory \(place.directory) cannot be made (\(error.symbol))", mend: "name another: --socket PATH")
            }
            let directory = try place.openDirectory()
            let lock = try takeLock(place, directory)
            let listener = try listen(place, directory)
            return ServerSocket(listener: listener, place: place, directory: directory, lock: lock)
        } catch {
            throw .failed("\(error.message); \(error.mend)")
        }
    }

    private static func takeLock(_ place: ServerPlace, _ directory: borrowing OwnedDescriptor) throws(ServerPlace.Problem)
        -> OwnedDescriptor
    {
        do throws(SystemError) {
            let file = try PathResolution.open(
                at: directory.rawValue, path: place.name + ".lock", flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            if try FileLock.take(file.rawValue) { return file }
        } catch {
            throw ServerPlace.Problem(
                message: "\(place.path).lock cannot be locked (\(error.symbol))", mend: "look at what stands there, and remove it")
        }
        throw ServerPlace.Problem(
            message: "another server runs at \(place.path)", mend: "use that one, end it, or name another place: --socket PATH")
    }

    /// With the lock held nobody else makes or removes the name.
    private static func listen(_ place: ServerPlace, _ directory: borrowing OwnedDescriptor) throws(ServerPlace.Problem) -> OwnedDescriptor
    {
        if let there = try? FileIdentity.of(path: place.name, at: directory.rawValue, followingLink: false) {
            guard there.isSocket else {
                throw ServerPlace.Problem(
                    message: "\(place.path) is something else than a socket", mend: "remove it, or name another place")
            }
            unlinkat(directory.rawValue, place.name, 0)
        }
        // The mode is there with the name: nobody but the owner ever finds it open.
        let before = umask(0o177)
        defer { _ = umask(before) }
        do throws(SystemError) {
            return try LocalSocket.listen(at: place.path(in: directory), backlog: backlog)
        } catch {
            throw ServerPlace.Problem(
                message: "the socket \(place.path) cannot be made (\(error.symbol))", mend: "look at the directory's file system")
        }
    }

    /// The socket that systemd opened for this process (sd_listen_fds(3)); nil when it opened none.
    ///
    /// The variables are taken away: they are about this process alone.
    static func activated() throws(CommandFailure) -> ServerSocket? {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        func number(_ name: String) -> Int32? { getenv(name).flatMap { Int32(String(cString: $0)) } }
        guard number("LISTEN_PID") == getpid(), let count = number("LISTEN_FDS"), count > 0 else { return nil }
        let mend = "write one ListenSequentialPacket= with SocketMode=0600 and DirectoryMode=0700 in the socket unit"
        guard count == 1, LocalSocket.isListening(3), let path = LocalSocket.boundPath(3), let place = ServerPlace(path: path) else {
            throw .failed("what was passed to this service is not one listening unix socket of sequential packets with a path; \(mend)")
        }
        do throws(ServerPlace.Problem) {
            let directory = try place.openDirectory()
            guard let there = try? FileIdentity.of(path: place.name, at: directory.rawValue, followingLink: false), there.isSocket,
                there.uid == geteuid(), there.mode & 0o077 == 0
            else { throw ServerPlace.Problem(message: "others can reach the socket \(path)", mend: mend) }
        } catch {
            throw .failed("\(error.message); \(error.mend)")
        }
        guard let listener = try? OwnedDescriptor.duplicating(3) else { throw .failed("no descriptor is left; raise `ulimit -n`") }
        close(3)
        guard (try? listener.setNonBlocking(false)) != nil else { throw .failed("the socket that was passed cannot be used; \(mend)") }
        return ServerSocket(listener: listener, place: place, directory: nil, lock: nil)
    }

    /// No new client finds the server any more. A socket of somebody else's stays.
    borrowing func remove() {
        if let number = directory.number { unlinkat(number, place.name, 0) }
    }
}
