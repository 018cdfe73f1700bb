internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Does the creating calls on the tool's behalf: the names are resolved beneath the sandbox's root, checked against the
/// policy, and used through the descriptors that were checked. All calls of one sandbox go through here one after the other,
/// so nothing of the sandbox can move a directory between check and use.
///
/// The calling thread acts with the tool's file ids (see `ThreadFileIdentity`): modes and owners count as if the tool had
/// made the call, and set-id bits are never given.
struct CreatingCalls: ~Copyable {
    let names: SandboxNames
    let rules: NameRules
    private let createdLimit: UInt64
    var created: CreatedNames
    /// The supervisor's umask.
    private let ownMask: UInt32

    enum Failure: Error {
        case refused(NameRules.Refusal)
        case system(Int32)
        /// The supervisor would have to wait (a FIFO without a reader): try again later.
        case notYet
    }

    /// What the caller gets.
    enum Answer: ~Copyable {
        case value
        case descriptor(OwnedDescriptor, closeOnExec: Bool)
    }

    init(names: consuming SandboxNames, rules: NameRules, createdLimit: UInt64) {
        self.names = names
        self.rules = rules
        self.createdLimit = createdLimit
        created = CreatedNames(limit: createdLimit)
        ownMask = CallerView.mask(of: "self")
    }

    // MARK: - open

    /// open(2) with O_CREAT. Flags that the kernel would ignore are dropped, unknown ones too.
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
        for _ in 0..<40 {
            if !exclusive, let number = Self.ownDescriptor(path, pid: caller.pid) {
                return try reopen(number, flags: flags, caller: caller)
            }
            let place = try self.place(path, base, caller, dotted: exclusive ? EEXIST : EISDIR)
            if place.wantsDirectory { throw .system(EISDIR) }
            guard let existing = try identity(place) else {
                if let opened = try create(place, flags: flags, mode: mode & ~caller.umask) { return opened }
                continue // somebody outside made it in the meantime
            }
            if exclusive { throw .system(EEXIST) }
            if existing.isSymbolicLink {
                if flags & O_NOFOLLOW != 0 { throw .system(ELOOP) }
                path = try system { () throws(SystemError) in try CallerView.readLink(place.name, at: place.directory.rawValue) }
                if path.first != UInt8(ascii: "/") { path = Array((place.parent + "/").utf8) + path }
                base = AT_FDCWD
                continue
            }
            if existing.isDirectory { throw .system(EISDIR) } // open(2): a directory is never created this way
            if let opened = try openExisting(place, existing, flags: flags) { return opened }
        }
        throw .system(ELOOP)
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
        _ place: borrowing SandboxNames.Place, _ existing: FileIdentity, flags: Int32
    ) throws(Failure) -> Answer? {
        // What an open of kernel files by the supervisor would remember is the supervisor's identity: never for /proc.
        let path = place.path
        if path.isSamePath(as: "/dev/tty") { throw .system(ENXIO) }
        try check { () throws(NameRules.Refusal) in try rules.checkOpen(path, rights: Self.rights(of: flags)) }
        let isFIFO = existing.mode & UInt32(S_IFMT) == UInt32(S_IFIFO)
        // Waiting (for a FIFO's other side, for a lease to be broken) is the tool's business, never ours.
        let kept = flags & Self.knownFlags & ~(O_CREAT | O_EXCL) | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        let result = place.withName { openat(place.directory.rawValue, $0, kept) }
        guard result >= 0 else {
            let error = errno
            if error == ENOENT { return nil }
            if flags & O_NONBLOCK == 0, isFIFO && error == ENXIO || error == EWOULDBLOCK { throw .notYet }
            throw .system(error)
        }
        let opened = OwnedDescriptor(adopting: result)
        if flags & O_NONBLOCK == 0 { _ = gbx_set_nonblocking(opened.rawValue, 0) }
        return .descriptor(opened, closeOnExec: flags & O_CLOEXEC != 0)
    }

    /// `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`: the caller's own descriptor, opened anew. Links of /proc cannot be walked
    /// from here, where "self" is somebody else.
    private static func ownDescriptor(_ path: [UInt8], pid: Int32) -> Int32? {
        switch String(decoding: path, as: UTF8.self) {
        case "/dev/stdin": return 0
        case "/dev/stdout": return 1
        case "/dev/stderr": return 2
        case let text:
            for prefix in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] where text.hasPrefix(prefix) {
                return Int32(text.dropFirst(prefix.count))
            }
            return nil
        }
    }

    /// Opens anew what the caller has open already, with no more than it has: the file behind a descriptor need not be one of
    /// the sandbox's (standard input is the caller's choice), so no rule on paths can say what may be done with it.
    private func reopen(_ number: Int32, flags: Int32, caller: CallerView) throws(Failure) -> Answer {
        let pinned = try pin(number, of: caller)
        let own = gbx_status_flags(pinned.rawValue)
        guard own >= 0, own & GBX_O_PATH == 0 else { throw .system(EBADF) }
        guard Self.rights(of: flags).subtracting(Self.rights(of: own & O_ACCMODE)).isEmpty, own & O_APPEND == 0 || flags & O_TRUNC == 0
        else {
            throw .refused(
                NameRules.Refusal(
                    errno: EACCES, layer: "name-denial",
                    reason: "descriptor \(number) is not open that way, and opening it by name gives no more",
                    allowedBy: nil, rule: nil))
        }
        let kept = flags & Self.knownFlags & ~(O_CREAT | O_EXCL | O_NOFOLLOW) | own & O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        let result = Glibc.open("/proc/self/fd/\(pinned.rawValue)", kept)
        guard result >= 0 else {
            let error = errno
            if error == EWOULDBLOCK, flags & O_NONBLOCK == 0 { throw .notYet }
            throw .system(error)
        }
        let opened = OwnedDescriptor(adopting: result)
        if flags & O_NONBLOCK == 0 { _ = gbx_set_nonblocking(opened.rawValue, 0) }
        return .descriptor(opened, closeOnExec: flags & O_CLOEXEC != 0)
    }

    /// The caller's open file, held by a descriptor of ours, so that what is asked of it and what is done with it are the same
    /// file whatever the caller does meanwhile. Only when the caller still waits was it the caller's: a dead one's number may
    /// have become another process's.
    private func pin(_ number: Int32, of caller: CallerView) throws(Failure) -> OwnedDescriptor {
        do throws(SystemError) {
            let pinned = try caller.copy(ofDescriptor: number)
            guard caller.isWaiting() else { throw SystemError(errno: ESRCH, operation: "pidfd_getfd") }
            return pinned
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

    // MARK: - Other names

    mutating func makeDirectory(_ path: [UInt8], base: Int32, mode: UInt32, caller: CallerView) throws(Failure) {
        let place = try self.place(path, base, caller)
        try check { () throws(NameRules.Refusal) in try rules.checkCreate(place.path) }
        try charge()
        let allowed = mode & ~caller.umask & 0o1777
        try call { place.withName { mkdirat(place.directory.rawValue, $0, allowed) } }
        liftOwnMask(place, allowed)
        created.add(place.path, isText: place.isText)
    }

    /// Regular files, FIFOs and sockets; device nodes are refused whoever asks.
    mutating func makeNode(_ path: [UInt8], base: Int32, mode: UInt32, caller: CallerView) throws(Failure) {
        let type = mode & UInt32(S_IFMT)
        let known = [S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFDIR].map { UInt32($0) }
        guard type == 0 || known.contains(type) else { throw .system(EINVAL) }
        guard type == 0 || type == UInt32(S_IFREG) || type == UInt32(S_IFIFO) || type == UInt32(S_IFSOCK) else { throw .system(EPERM) }
        let place = try self.place(path, base, caller)
        try checkNew(place)
        try charge()
        let allowed = type | (mode & ~caller.umask & 0o1777)
        try call { place.withName { mknodat(place.directory.rawValue, $0, allowed, 0) } }
        liftOwnMask(place, allowed & 0o1777)
        created.add(place.path, isText: place.isText)
    }

    mutating func makeLink(to text: [UInt8], at path: [UInt8], base: Int32, caller: CallerView) throws(Failure) {
        let place = try self.place(path, base, caller)
        try checkNew(place)
        try charge()
        try call {
            place.withName { symlinkat(text.map(CChar.init(bitPattern:)) + [0], place.directory.rawValue, $0) }
        }
        created.add(place.path, isText: place.isText)
    }

    /// A second name for a file. Following the last link is not offered: a descriptor's `/proc` name is the one use of it that
    /// programs make, for files that have no name yet.
    mutating func link(
        _ old: [UInt8], oldBase: Int32, _ new: [UInt8], newBase: Int32, flags: Int32, caller: CallerView
    ) throws(Failure) {
        guard flags & ~(GBX_AT_EMPTY_PATH | GBX_AT_SYMLINK_FOLLOW) == 0 else { throw .system(EINVAL) }
        if flags & GBX_AT_EMPTY_PATH != 0 { throw .system(ENOENT) } // what the kernel says without CAP_DAC_READ_SEARCH
        let target = try place(new, newBase, caller)
        try checkNew(target)
        if flags & GBX_AT_SYMLINK_FOLLOW != 0, let number = Self.ownDescriptor(old, pid: caller.pid) {
            return try linkDescriptor(number, to: target, caller: caller)
        }
        let source = try place(old, oldBase, caller, dotted: EPERM)
        try check { () throws(NameRules.Refusal) in
            try rules.checkOpen(source.path, rights: .read)
            try rules.checkOpen(source.path, rights: .write)
            try rules.checkNotWidened(from: source.path, to: target.path)
        }
        try charge()
        try call {
            source.withName { from in
                target.withName { to in linkat(source.directory.rawValue, from, target.directory.rawValue, to, 0) }
            }
        }
        created.add(target.path, isText: target.isText)
    }

    private mutating func linkDescriptor(
        _ number: Int32, to target: borrowing SandboxNames.Place, caller: CallerView
    ) throws(Failure) {
        let pinned = try pin(number, of: caller)
        let path = "/proc/self/fd/\(pinned.rawValue)"
        let identity = try system { () throws(SystemError) in try FileIdentity.of(pinned.rawValue) }
        if try self.identity(target) != nil { throw .system(EEXIST) }
        guard identity.isRegularFile, identity.links == 0 else { throw .system(EPERM) }
        try charge()
        try call { target.withName { linkat(AT_FDCWD, path, target.directory.rawValue, $0, GBX_AT_SYMLINK_FOLLOW) } }
        created.add(target.path, isText: target.isText)
    }

    mutating func rename(
        _ old: [UInt8], oldBase: Int32, _ new: [UInt8], newBase: Int32, flags: UInt32, caller: CallerView
    ) throws(Failure) {
        guard flags & ~(GBX_RENAME_NOREPLACE | GBX_RENAME_EXCHANGE) == 0 else { throw .system(EINVAL) }
        // The kernel looks for both directories before it minds what the names are.
        do throws(Failure) {
            _ = try place(new, newBase, caller, dotted: EBUSY)
        } catch {
            if case .system(ENOENT) = error { throw error }
        }
        let source = try place(old, oldBase, caller, dotted: EBUSY)
        let target = try place(new, newBase, caller, dotted: flags & GBX_RENAME_NOREPLACE != 0 ? EEXIST : EBUSY)
        let exchange = flags & GBX_RENAME_EXCHANGE != 0
        let (from, to) = (source.path, target.path)
        try check { () throws(NameRules.Refusal) in
            try rules.checkRemove(from)
            try rules.checkCreate(to)
            try rules.checkNotWidened(from: from, to: to)
            try rules.checkNothingDeniedBelow(to)
            if exchange {
                try rules.checkRemove(to)
                try rules.checkCreate(from)
                try rules.checkNotWidened(from: to, to: from)
            }
        }
        try call {
            source.withName { from in
                target.withName { to in gbx_renameat2(source.directory.rawValue, from, target.directory.rawValue, to, flags) }
            }
        } as: {
            $0 < 0 ? -$0 : 0
        }
        created.move(from, to: to, exchanging: exchange)
    }

    // MARK: - Steps

    /// The supervisor's own mask was applied to what it made; the tool's, which is the one that counts, is in the mode already.
    private func liftOwnMask(_ place: borrowing SandboxNames.Place, _ mode: UInt32) {
        guard mode & ownMask != 0 else { return }
        place.withName { _ = fchmodat(place.directory.rawValue, $0, mode, AT_SYMLINK_NOFOLLOW) }
    }

    func place(
        _ path: [UInt8], _ base: Int32, _ caller: CallerView, dotted: Int32 = EEXIST
    ) throws(Failure) -> SandboxNames.Place {
        do {
            return try names.place(of: path, from: try caller.directory(base), dotted: dotted)
        } catch {
            throw .system(error.errno)
        }
    }

    /// Nil when there is nothing by that name.
    func identity(_ place: borrowing SandboxNames.Place) throws(Failure) -> FileIdentity? {
        do {
            return try place.withName { (name) throws(SystemError) in try FileIdentity.ifPresent(name: name, at: place.directory.rawValue) }
        } catch {
            throw .system(error.errno)
        }
    }

    func checkNew(_ place: borrowing SandboxNames.Place) throws(Failure) {
        let path = place.path
        try check { () throws(NameRules.Refusal) in try rules.checkCreateLeaf(path) }
    }

    mutating func charge() throws(Failure) {
        var counted = created
        let room = counted.room { path in
            guard let place = try? names.place(of: Array(path.utf8), from: [], dotted: EEXIST) else { return false }
            return (try? identity(place)) ?? nil != nil
        }
        created = counted
        if room == .unknown { throw .notYet }
        guard room == .free else {
            throw .refused(
                NameRules.Refusal(
                    errno: EDQUOT, layer: "created-limit",
                    reason: "\(createdLimit) names that the run created are there, which is the policy's limit",
                    allowedBy: "limits: {created: \(createdLimit * 2)}", rule: nil))
        }
    }

    func check(_ body: () throws(NameRules.Refusal) -> Void) throws(Failure) {
        do { try body() } catch { throw .refused(error) }
    }

    private func system<Value>(_ body: () throws(SystemError) -> Value) throws(Failure) -> Value {
        do { return try body() } catch { throw .system(error.errno) }
    }

    /// A libc call: -1 and errno. The errno is read at once.
    private func call(_ body: () -> Int32) throws(Failure) {
        if body() < 0 { throw .system(errno) }
    }

    /// A call of the shims, which return a negated errno.
    private func call(_ body: () -> Int32, as error: (Int32) -> Int32) throws(Failure) {
        let code = error(body())
        if code != 0 { throw .system(code) }
    }
}
