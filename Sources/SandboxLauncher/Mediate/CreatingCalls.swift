internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Does the creating calls on the tool's behalf: the names are resolved beneath the sandbox's root, checked against the
/// policy, and used through the descriptors that were checked. All calls of one sandbox go through here one after the other,
/// so nothing of the sandbox can move a directory between check and use. Another run in the same workspace can, and can exchange
/// names: what was made or found under a name is never looked up by that name again.
///
/// The calling thread acts with the tool's file ids (see `ThreadFileIdentity`): modes and owners count as if the tool had
/// made the call, and set-id bits are never given.
struct CreatingCalls: ~Copyable {
    let names: SandboxNames
    let rules: NameRules
    private let createdLimit: UInt64
    var created: CreatedNames
    /// The supervisor's umask.
    let ownMask: UInt32

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

    // MARK: - Other names

    mutating func makeDirectory(_ path: [UInt8], base: Int32, mode: UInt32, caller: CallerView) throws(Failure) {
        let place = try self.place(path, base, caller)
        try check { () throws(NameRules.Refusal) in try rules.checkCreate(place.path) }
        try charge()
        let allowed = mode & ~caller.umask & 0o1777
        try call { place.withName { mkdirat(place.directory.rawValue, $0, allowed) } }
        liftOwnMask(place, allowed, kind: UInt32(S_IFDIR))
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
        liftOwnMask(place, allowed & 0o1777, kind: type == 0 ? UInt32(S_IFREG) : type)
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
        if flags & GBX_AT_SYMLINK_FOLLOW != 0, let number = Self.ownDescriptor(old) {
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

    /// Gives what was made its mode, from which the kernel took the supervisor's own mask away instead of the tool's.
    ///
    /// The name may mean another file by now. What has it is held without following a link, changed through that descriptor,
    /// and left alone when it is of another kind.
    func setMode(_ place: borrowing SandboxNames.Place, _ mode: UInt32, kind: UInt32) {
        guard let made = try? hold(place), let identity = try? FileIdentity.of(made.rawValue), identity.mode & UInt32(S_IFMT) == kind,
            identity.mode & 0o7777 != mode
        else { return }
        _ = chmod("/proc/self/fd/\(made.rawValue)", mode) // the owner may; otherwise the mode stays as it is, which is narrower
    }

    /// The same where the supervisor's mask can have taken something away.
    private func liftOwnMask(_ place: borrowing SandboxNames.Place, _ mode: UInt32, kind: UInt32) {
        if mode & ownMask != 0 { setMode(place, mode, kind: kind) }
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
                    allowedBy: "limits: {created: \(createdLimit.clampedTimes(2))}", rule: nil))
        }
    }

    func check(_ body: () throws(NameRules.Refusal) -> Void) throws(Failure) {
        do { try body() } catch { throw .refused(error) }
    }

    func system<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws(Failure) -> Value {
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
