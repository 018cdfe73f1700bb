internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// connect and bind on unix sockets by path, while the network is brokered: the filter cannot tell them from internet calls.
/// The path is resolved and checked as for every other name, and used through the descriptor that was checked.
extension CreatingCalls {
    /// The path of a sockaddr_un: what lies after the family, up to a NUL. Nil for an abstract or unnamed address.
    static func path(ofLocal sockaddr: [UInt8]) -> [UInt8]? {
        let path = sockaddr.dropFirst(2).prefix(108).prefix { $0 != 0 }
        return path.isEmpty ? nil : Array(path)
    }

    static func refusedAbstract(_ sockaddr: [UInt8]) -> Failure {
        let name = String(decoding: sockaddr.dropFirst(3).prefix { $0 != 0 }, as: UTF8.self)
        let printable = String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
        return .refused(
            NameRules.Refusal(
                errno: EPERM, layer: "network", reason: "abstract names are not served while the network is brokered; use a path",
                allowedBy: nil, rule: nil, arguments: "@\(printable)"))
    }

    mutating func bindLocal(_ socket: borrowing CallerSocket, to path: [UInt8], caller: CallerView) throws(Failure) {
        let place = try self.place(path, AT_FDCWD, caller)
        if place.wantsDirectory { throw .system(ENOENT) }
        if try identity(place) != nil { throw .system(EADDRINUSE) }
        try checkNew(place)
        try charge()
        let mode: UInt32
        do { mode = try FileIdentity.of(socket.socket.rawValue).mode & 0o777 & ~caller.umask } catch { throw .system(error.errno) }
        let error = socket.socket.bind(try Self.sockaddr("/proc/self/fd/\(place.directory.rawValue)/", place.name))
        if error != 0 { throw .system(error) }
        created.add(place.path, isText: place.isText)
        setMode(place, mode, kind: UInt32(S_IFSOCK))
    }

    /// Connects, and gives a socket to replace the caller's where that could wait: nil when it was done on the caller's own.
    ///
    /// - Parameter speakingAs: the tool's ids when the supervisor is root: the other side must not take the tool for it.
    mutating func connectLocal(
        _ socket: borrowing CallerSocket, to path: [UInt8], caller: CallerView, speakingAs identity: (user: UInt32, group: UInt32)?
    ) throws(Failure) -> Socket? {
        let target = try openSocketFile(path, caller)
        let address = try Self.sockaddr("/proc/self/fd/\(target.rawValue)", [])
        guard socket.facts.type != Int32(SOCK_DGRAM.rawValue) else {
            let error = socket.socket.connect(address) // never waits
            if error != 0 { throw .system(error) }
            return nil
        }
        // A caller could make its own socket block at any moment; one of ours never does.
        let made = try Self.newSocket(type: socket.facts.type)
        var result = ECONNABORTED
        if let identity {
            do {
                try ThreadFileIdentity.speaking(uid: identity.user, gid: identity.group) { result = made.connect(address) }
            } catch {
                throw .system(error.errno)
            }
        } else {
            result = made.connect(address)
        }
        switch result {
        case 0: break
        case EAGAIN where !socket.nonBlocking: throw .notYet
        case let error: throw .system(error)
        }
        do { try made.setNonBlocking(socket.nonBlocking) } catch { throw .system(error.errno) }
        return made
    }

    private static func newSocket(type: Int32) throws(Failure) -> Socket {
        do { return try Socket(family: AF_UNIX, type: type, protocolNumber: 0) } catch { throw .system(error.errno) }
    }

    /// The socket file itself, no link, opened by path only.
    private func openSocketFile(_ path: [UInt8], _ caller: CallerView) throws(Failure) -> OwnedDescriptor {
        var path = path
        // Each step may lead the kernel through forty links on the way; the caller of one call must not hold up the run.
        for _ in 0..<8 {
            let place = try self.place(path, AT_FDCWD, caller)
            if place.wantsDirectory { throw .system(ENOTDIR) }
            let number = place.withName { openat(place.directory.rawValue, $0, GBX_O_PATH | O_NOFOLLOW | O_CLOEXEC) }
            guard number >= 0 else { throw .system(errno) }
            let opened = OwnedDescriptor(adopting: number)
            let identity: FileIdentity
            do { identity = try FileIdentity.of(number) } catch { throw .system(error.errno) }
            if identity.isSymbolicLink {
                do { path = try CallerView.readLink([], at: number) } catch { throw .system(error.errno) }
                if path.first != UInt8(ascii: "/") { path = Array((place.parent + "/").utf8) + path }
                continue
            }
            guard identity.isSocket else { throw .system(ECONNREFUSED) }
            let real = place.path
            try check { () throws(NameRules.Refusal) in try rules.checkOpen(real, rights: .write) }
            return opened
        }
        throw .system(ELOOP)
    }

    private static func sockaddr(_ head: String, _ name: [UInt8]) throws(Failure) -> [UInt8] {
        let path = Array(head.utf8) + name
        guard path.count < 108 else { throw .system(ENAMETOOLONG) }
        return [UInt8(AF_UNIX), 0] + path + [0]
    }
}
