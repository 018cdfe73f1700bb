internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// open(2) with O_CREAT. What exists is held by a descriptor before anything is asked of it, so that what was looked at is what
/// is opened, whoever exchanges names meanwhile.
extension CreatingCalls {
    /// Flags that the kernel would ignore are dropped, unknown ones too.
    mutating func open(
        _ path: [UInt8], base: Int32, flags: Int32, mode: UInt32, caller: CallerView
    ) throws(Failure) -> Answer {
        if flags & O_DIRECTORY != 0 { throw .system(EINVAL) } // since Linux 6.4 whatever stands there; before, a file was made
        var path = path
        var base = base
        // Who opens /dev/tty gets its own controlling terminal: done here it would be the supervisor's. The run's pty stands at
        // /dev/console, when it has one.
        if path == Array("/dev/tty".utf8) { path = Array("/dev/console".utf8) }
        let exclusive = flags & O_EXCL != 0
        // Each step may lead the kernel through forty links on the way; the caller of one call must not hold up the run.
        for _ in 0..<8 {
            if !exclusive, let number = Self.ownDescriptor(path) {
                return try reopen(number, flags: flags, caller: caller)
            }
            let place = try self.place(path, base, caller, dotted: exclusive ? EEXIST : EISDIR)
            if place.wantsDirectory { throw .system(EISDIR) }
            guard let existing = try hold(place) else {
                if let opened = try create(place, flags: flags, mode: mode & ~caller.umask) { return opened }
                continue // somebody outside made it in the meantime
            }
            if exclusive { throw .system(EEXIST) }
            let identity = try system { () throws(SystemError) in try FileIdentity.of(existing.rawValue) }
            if identity.isSymbolicLink {
                if flags & O_NOFOLLOW != 0 { throw .system(ELOOP) }
                path = try system { () throws(SystemError) in try CallerView.readLink([], at: existing.rawValue) }
                if path.first != UInt8(ascii: "/") { path = Array((place.parent + "/").utf8) + path }
                base = AT_FDCWD
                continue
            }
            if identity.isDirectory { throw .system(EISDIR) } // open(2): a directory is never created this way
            return try openExisting(place, existing, identity, flags: flags)
        }
        throw .system(ELOOP)
    }

    /// What has the name now, a link itself and not where it leads. Nil when nothing has it.
    func hold(_ place: borrowing SandboxNames.Place) throws(Failure) -> OwnedDescriptor? {
        let number = place.withName { openat(place.directory.rawValue, $0, GBX_O_PATH | O_NOFOLLOW | O_CLOEXEC) }
        if number >= 0 { return OwnedDescriptor(adopting: number) }
        let error = errno
        if error == ENOENT { return nil }
        throw .system(error)
    }

    private mutating func create(_ place: borrowing SandboxNames.Place, flags: Int32, mode: UInt32) throws(Failure) -> Answer? {
        try check { () throws(NameRules.Refusal) in try rules.checkCreateLeaf(place.path) }
        try charge()
        let kept = flags & Self.knownFlags | O_EXCL | O_CREAT | O_NOFOLLOW | O_CLOEXEC
        let result = place.withName { openat(place.directory.rawValue, $0, kept, mode & 0o1777) }
        if result < 0 {
            let error = errno
            if error == EEXIST { return nil }
            throw .system(error)
        }
        let made = OwnedDescriptor(adopting: result)
        if mode & ownMask != 0 { _ = fchmod(made.rawValue, mode & 0o1777) }
        created.add(place.path, isText: place.isText)
        return .descriptor(made, closeOnExec: flags & O_CLOEXEC != 0)
    }

    private func openExisting(
        _ place: borrowing SandboxNames.Place, _ existing: borrowing OwnedDescriptor, _ identity: FileIdentity, flags: Int32
    ) throws(Failure) -> Answer {
        let path = place.path
        if path.isSamePath(as: "/dev/tty") { throw .system(ENXIO) }
        try check { () throws(NameRules.Refusal) in
            try rules.checkOpen(path, rights: Self.rights(of: flags))
            try OpenableFile.check(existing.rawValue, identity)
        }
        return try openHeld(existing.rawValue, flags: flags & ~O_NOFOLLOW, waitsForReader: identity.isFIFO)
    }

    /// Opens anew what the caller has open already, with no more than it has: the file behind a descriptor need not be one of
    /// the sandbox's (standard input is the caller's choice), so no rule on paths can say what may be done with it.
    private func reopen(_ number: Int32, flags: Int32, caller: CallerView) throws(Failure) -> Answer {
        let held = try pin(number, of: caller)
        let own = gbx_status_flags(held.rawValue)
        guard own >= 0, own & GBX_O_PATH == 0 else { throw .system(EBADF) }
        let identity = try system { () throws(SystemError) in try FileIdentity.of(held.rawValue) }
        if identity.isDirectory { throw .system(EISDIR) }
        if identity.isSocket { throw .system(ENXIO) }
        guard Self.rights(of: flags).subtracting(Self.rights(of: own & O_ACCMODE)).isEmpty, own & O_APPEND == 0 || flags & O_TRUNC == 0
        else {
            throw .refused(
                NameRules.Refusal(
                    errno: EACCES, layer: "name-denial",
                    reason: "descriptor \(number) is not open that way, and opening it by name gives no more",
                    allowedBy: nil, rule: nil))
        }
        try check { () throws(NameRules.Refusal) in try OpenableFile.check(held.rawValue, identity) }
        return try openHeld(held.rawValue, flags: flags & ~O_NOFOLLOW | own & O_APPEND, waitsForReader: false)
    }

    /// Opens the file behind a descriptor of ours. Waiting (for a FIFO's other side, for a lease to be broken) is the tool's
    /// business, never ours.
    private func openHeld(_ number: Int32, flags: Int32, waitsForReader: Bool) throws(Failure) -> Answer {
        let kept = flags & Self.knownFlags & ~(O_CREAT | O_EXCL) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        let result = Glibc.open("/proc/self/fd/\(number)", kept)
        guard result >= 0 else {
            let error = errno
            if flags & O_NONBLOCK == 0, waitsForReader && error == ENXIO || error == EWOULDBLOCK { throw .notYet }
            throw .system(error)
        }
        let opened = OwnedDescriptor(adopting: result)
        if flags & O_NONBLOCK == 0 { _ = gbx_set_nonblocking(opened.rawValue, 0) }
        return .descriptor(opened, closeOnExec: flags & O_CLOEXEC != 0)
    }

    // MARK: - The caller's own descriptors

    /// `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`: the caller's own descriptor, opened anew. Links of /proc cannot be walked
    /// from here, where "self" is somebody else.
    static func ownDescriptor(_ path: [UInt8]) -> Int32? {
        for (number, name) in ["/dev/stdin", "/dev/stdout", "/dev/stderr"].enumerated() where path.elementsEqual(name.utf8) {
            return Int32(number)
        }
        for prefix in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] where path.starts(with: prefix.utf8) {
            // Only as the kernel writes it: no sign, no zero before it.
            let digits = path.dropFirst(prefix.utf8.count)
            guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != 0x30 || digits.count == 1
            else { return nil }
            return Int32(String(decoding: digits, as: UTF8.self))
        }
        return nil
    }

    /// The caller's open file, held by a descriptor of ours, so that what is asked of it and what is done with it are the same
    /// file whatever the caller does meanwhile. Only when the caller still waits was it the caller's: a dead one's number may
    /// have become another process's.
    func pin(_ number: Int32, of caller: CallerView) throws(Failure) -> SharedDescriptor {
        do throws(SystemError) {
            let held = try caller.copy(ofDescriptor: number)
            guard caller.isWaiting() else { throw SystemError(errno: ESRCH, operation: "pidfd_getfd") }
            return held
        } catch {
            throw .system(error.errno == EBADF ? ENOENT : error.errno) // by its name it is a file that is not there
        }
    }

    private static let knownFlags =
        O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    private static func rights(of flags: Int32) -> FileRights {
        var rights: FileRights = flags & O_TRUNC != 0 ? .write : []
        switch flags & O_ACCMODE {
        case O_RDONLY: rights.insert(.read)
        case O_WRONLY: rights.insert(.write)
        default: rights.formUnion([.read, .write])
        }
        return rights
    }
}
