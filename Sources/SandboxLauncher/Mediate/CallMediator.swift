internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Answers the seccomp notifications of one run: does creating calls on the tool's behalf, refuses the rest, and records what
/// it refused. Answers "go on" to nothing that it decides (see `SeccompListener`).
struct CallMediator: ~Copyable {
    let listener: SeccompListener
    private let plan: SandboxPlan
    private let denials: NameDenials
    private let confinement: Confinement
    /// The tool's ids on the host when the supervisor is root; nil when they are its own.
    let identity: (user: UInt32, group: UInt32)?
    let network: NetworkCalls
    var creating: CreatingCalls?
    private var parked = ParkedCalls()
    private(set) var log: ViolationLog
    private var disk: DiskAccount
    private var sample = FreshSample()
    /// Set when the run wants to see plain openings too.
    private let watch: OpeningWatch?
    /// A policy may take a creating call away altogether; its notification is then a refusal like any other.
    private lazy var permitted: Set<Int32> = {
        let names = (try? SyscallCatalogue.allowedCalls(confinement.syscalls)) ?? []
        return Set(names.compactMap { SyscallTable.number(of: $0) })
    }()

    private let countsMemory: Bool
    private var memoryFiles: UInt64 = 0

    /// As many memory files as fill the memory limit, and a few for programs that make small ones.
    private static func memoryFileLimit(_ limits: Limits) -> UInt64 { max(8, limits.memoryBytes / max(1, limits.fileBytes)) }

    /// A peer answers within one round trip, and the caller waits for it.
    private static let connectionDelay: UInt64 = 20_000_000

    init(
        listener: consuming SeccompListener, plan: SandboxPlan, denials: NameDenials, confinement: Confinement, network: NetworkTargets,
        identity: (user: UInt32, group: UInt32)?, countsMemory: Bool, watchesOpening: Bool = false,
        onViolation: (@Sendable (Violation) -> Void)? = nil
    ) {
        watch = watchesOpening ? OpeningWatch(plan: plan, denials: denials) : nil
        log = ViolationLog(observer: onViolation)
        self.countsMemory = countsMemory
        disk = DiskAccount(limit: confinement.limits.diskBytes, startedAt: MonotonicClock.now())
        self.network = NetworkCalls(network, syscalls: confinement.syscalls, mediatesLocal: plan.mediatesLocalSockets)
        self.listener = listener
        self.plan = plan
        self.denials = denials
        self.confinement = confinement
        self.identity = identity
    }

    var descriptor: Int32 { listener.rawValue }
    /// When a call that had to wait is to be tried again.
    var nextRetry: UInt64? { parked.nextDue }
    /// Whether the limit on created names has refused something.
    var createdLimitHit: Bool {
        switch creating {
        case .some(let calls): calls.created.wasFull
        case nil: false
        }
    }

    var createdNames: UInt64 {
        switch creating {
        case .some(let calls): calls.created.total
        case nil: 0
        }
    }

    /// Takes and answers one notification. False when the listener has nothing left to give.
    mutating func serve() -> Bool {
        do {
            guard let notification = try listener.receive() else { return true }
            answer(notification)
            return true
        } catch {
            return error.errno == ENOENT // its caller died meanwhile
        }
    }

    /// Tries again what had to wait; what is left at the given time comes with the next round.
    mutating func retryParked(until end: UInt64) {
        for notification in parked.due(MonotonicClock.now()) {
            if MonotonicClock.now() >= end { break }
            if (try? listener.isValid(notification.id)) == true { answer(notification) } else { forget(notification.id) }
        }
    }

    /// Nothing is kept for a call that was answered, or whose caller has gone: it would be waited for to the end of the run.
    private mutating func forget(_ id: UInt64) {
        parked.remove(id)
        sample.forget(id)
        network.forget(id)
    }

    private mutating func answer(_ notification: SeccompNotification) {
        let caller = CallerView(pid: notification.pid, listener: listener.rawValue, notification: notification.id)
        if let watch, let place = OpeningWatch.place(notification.number, notification.arguments) {
            look(watch, place, notification, caller)
            _ = try? listener.proceed(notification.id)
            return
        }
        do {
            let handled = try mediate(notification, caller)
            if !handled { refuse(notification, caller) }
        } catch {
            switch error {
            case .notYet:
                let longest = network.isPending(notification.id) ? Self.connectionDelay : ParkedCalls.longestDelay
                if parked.park(notification, now: MonotonicClock.now(), longest: longest) { return }
                fail(notification, EAGAIN)
            case .system(let number): fail(notification, number)
            case .refused(let refusal):
                record(notification, caller, refusal)
                fail(notification, refusal.errno)
            }
        }
        forget(notification.id)
    }

    private mutating func look(
        _ watch: OpeningWatch, _ place: (path: UInt64, directory: Int32), _ notification: SeccompNotification, _ caller: CallerView
    ) {
        guard log.wantsLook(at: MonotonicClock.now()) else { return leaveUnseen(OpeningWatch.tooFast, notification) }
        let path: [UInt8]
        do throws(SystemError) {
            let bytes = try caller.string(at: place.path)
            path = try OpeningWatch.absolute(bytes) { () throws(SystemError) in try caller.directory(place.directory) }
        } catch {
            // A bad pointer or an empty directory number is the tool's own mistake, and the kernel tells it so.
            guard error.errno == EPERM || error.errno == EACCES else { return }
            return note(OpeningWatch.unseen, "", notification, caller)
        }
        guard caller.isWaiting(), let finding = watch.finding(path) else { return }
        note(finding, String(decoding: path, as: UTF8.self), notification, caller)
    }

    private mutating func note(
        _ finding: OpeningWatch.Finding, _ path: String, _ notification: SeccompNotification, _ caller: CallerView
    ) {
        guard log.wantsFinding(isStray: finding.isStray, at: MonotonicClock.now()) else {
            log.countOnly()
            return leaveUnseen(OpeningWatch.tooFast, notification)
        }
        var violation = violation(finding, path, notification)
        violation.program = caller.program
        log.record(violation)
    }

    private func violation(_ finding: OpeningWatch.Finding, _ path: String, _ notification: SeccompNotification) -> Violation {
        Violation(
            layer: finding.layer, syscall: SyscallTable.name(of: notification.number) ?? "open", arguments: path, pid: notification.pid,
            program: "?", answer: finding.answer, reason: finding.reason, allowedBy: finding.allowedBy, rule: finding.rule)
    }

    /// What comes too fast is let through, or refused, without being looked at; that it was is said.
    private mutating func leaveUnseen(_ finding: OpeningWatch.Finding, _ notification: SeccompNotification) {
        if log.beginsUnseen(finding.layer) { log.tellUnseen(violation(finding, "", notification)) }
    }

    private mutating func countOnly(_ layer: String, _ notification: SeccompNotification) {
        log.countOnly()
        let finding = OpeningWatch.Finding(
            layer: layer, answer: "refused",
            reason: "so many calls were refused in so little time that further ones were counted and their details not read")
        leaveUnseen(finding, notification)
    }

    private func fail(_ notification: SeccompNotification, _ error: Int32) {
        _ = try? listener.answer(notification.id, errno: error)
    }

    // MARK: - Calls done on the tool's behalf

    /// Numbers of the creating calls on x86-64, and of memfd_create.
    private enum Call: Int32 {
        case open = 2, rename = 82, mkdir = 83, creat = 85, link = 86, symlink = 88, mknod = 133, openat = 257, mkdirat = 258, mknodat = 259
        case renameat = 264, linkat = 265, symlinkat = 266, renameat2 = 316, memfdCreate = 319
    }

    /// False when the call is none of those: then it is refused.
    private mutating func mediate(_ notification: SeccompNotification, _ caller: CallerView) throws(CreatingCalls.Failure) -> Bool {
        if let call = network.call(notification.number) { return try mediate(call, notification, caller) }
        guard let call = Call(rawValue: notification.number) else { return false }
        if call == .memfdCreate { return try makeMemory(notification, caller) }
        guard plan.mediated, permitted.contains(notification.number) else { return false }
        try refuseWhenDiskIsFull(notification)
        try prepare(caller)
        let strings = try readStrings(call, notification, caller)
        // The strings were read from a live caller only if it still waits now: its pid may have been given to another process.
        guard (try? listener.isValid(notification.id)) == true else { return true }
        if let identity {
            try actAs(identity) { (mediator: inout CallMediator) throws(CreatingCalls.Failure) in
                try mediator.carryOut(call, notification, strings, caller)
            }
        } else {
            try carryOut(call, notification, strings, caller)
        }
        return true
    }

    mutating func refuseWhenDiskIsFull(_ notification: SeccompNotification) throws(CreatingCalls.Failure) {
        guard disk.isFull || disk.mayBeFull(at: MonotonicClock.now()) else { return sample.forget(notification.id) }
        // A sample may be older than the files that were deleted since, or than those that were filled.
        if !sample.isThere(for: notification.id) {
            if disk.isFull || parked.hasRoom { throw .notYet }
        }
        guard disk.isFull else { return sample.forget(notification.id) }
        throw .refused(
            NameRules.Refusal(
                errno: EDQUOT, layer: "disk-limit",
                reason: "the policy's limit on bytes written is used up, or what a process wrote cannot be seen (it is not dumpable)",
                allowedBy: "limits: {disk: …}", rule: nil))
    }

    /// What the tree has written is now known to be over, or under, the limit.
    mutating func noteSample(written: UInt64, isHidden: Bool, at time: UInt64) {
        disk.note(written: written, isHidden: isHidden, at: time)
        sample.note()
        for id in sample.waiting.keys { parked.hasten(id) }
    }

    /// A call waits for a sample: the run should take one at once.
    var wantsSample: Bool { sample.isWanted }

    mutating func actAs(
        _ identity: (user: UInt32, group: UInt32), _ body: (inout CallMediator) throws(CreatingCalls.Failure) -> Void
    ) throws(CreatingCalls.Failure) {
        var failure: CreatingCalls.Failure?
        do {
            try ThreadFileIdentity.acting(uid: identity.user, gid: identity.group) { () throws(SystemError) in
                do throws(CreatingCalls.Failure) { try body(&self) } catch { failure = error }
            }
        } catch {
            throw .system(error.errno)
        }
        if let failure { throw failure }
    }

    mutating func prepare(_ caller: CallerView) throws(CreatingCalls.Failure) {
        guard creating == nil else { return }
        do {
            let root = try caller.openRoot()
            // A caller that died meanwhile may have left its number to a process of the host, and this would be the host's root.
            guard caller.isWaiting() else { throw SystemError(errno: ESRCH, operation: "open", object: "the sandbox's root") }
            let names = SandboxNames(root: root)
            creating = CreatingCalls(
                names: names, rules: NameRules(plan: plan, denials: denials, workspace: confinement.workspace),
                createdLimit: confinement.limits.createdFiles)
        } catch {
            throw .system(EPERM) // the caller made itself unreadable: it cannot be helped
        }
    }

    private func readStrings(
        _ call: Call, _ notification: SeccompNotification, _ caller: CallerView
    ) throws(CreatingCalls.Failure) -> (first: [UInt8], second: [UInt8]) {
        let arguments = notification.arguments
        let addresses: (UInt64, UInt64?)
        switch call {
        case .open, .creat, .mkdir, .mknod: addresses = (arguments[0], nil)
        case .openat, .mkdirat, .mknodat: addresses = (arguments[1], nil)
        case .rename, .link, .symlink: addresses = (arguments[0], arguments[1])
        case .renameat, .renameat2, .linkat: addresses = (arguments[1], arguments[3])
        case .symlinkat: addresses = (arguments[0], arguments[2])
        case .memfdCreate: addresses = (arguments[0], nil)
        }
        do {
            let first = try caller.string(at: addresses.0)
            return (first, try addresses.1.map { (address) throws(SystemError) in try caller.string(at: address) } ?? [])
        } catch {
            throw .system(error.errno == ESRCH ? EPERM : error.errno)
        }
    }

    private mutating func carryOut(
        _ call: Call, _ notification: SeccompNotification, _ strings: (first: [UInt8], second: [UInt8]), _ caller: CallerView
    ) throws(CreatingCalls.Failure) {
        let arguments = notification.arguments
        func number(_ index: Int) -> Int32 { Int32(truncatingIfNeeded: arguments[index]) }
        func mode(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: arguments[index]) }
        switch call {
        case .open: try open(notification, strings.first, AT_FDCWD, number(1), mode(2), caller)
        case .creat: try open(notification, strings.first, AT_FDCWD, O_CREAT | O_WRONLY | O_TRUNC, mode(1), caller)
        case .openat: try open(notification, strings.first, number(0), number(2), mode(3), caller)
        case .mkdir: try creating?.makeDirectory(strings.first, base: AT_FDCWD, mode: mode(1), caller: caller)
        case .mkdirat: try creating?.makeDirectory(strings.first, base: number(0), mode: mode(2), caller: caller)
        case .mknod: try creating?.makeNode(strings.first, base: AT_FDCWD, mode: mode(1), caller: caller)
        case .mknodat: try creating?.makeNode(strings.first, base: number(0), mode: mode(2), caller: caller)
        case .symlink: try creating?.makeLink(to: strings.first, at: strings.second, base: AT_FDCWD, caller: caller)
        case .symlinkat: try creating?.makeLink(to: strings.first, at: strings.second, base: number(1), caller: caller)
        case .link:
            try creating?.link(strings.first, oldBase: AT_FDCWD, strings.second, newBase: AT_FDCWD, flags: 0, caller: caller)
        case .linkat:
            try creating?.link(strings.first, oldBase: number(0), strings.second, newBase: number(2), flags: number(4), caller: caller)
        case .rename:
            try creating?.rename(strings.first, oldBase: AT_FDCWD, strings.second, newBase: AT_FDCWD, flags: 0, caller: caller)
        case .renameat:
            try creating?.rename(strings.first, oldBase: number(0), strings.second, newBase: number(2), flags: 0, caller: caller)
        case .renameat2:
            try creating?.rename(strings.first, oldBase: number(0), strings.second, newBase: number(2), flags: mode(4), caller: caller)
        case .memfdCreate: return
        }
        if call != .open && call != .openat && call != .creat { _ = try? listener.answer(notification.id, value: 0) }
    }

    private mutating func open(
        _ notification: SeccompNotification, _ path: [UInt8], _ base: Int32, _ flags: Int32, _ mode: UInt32, _ caller: CallerView
    ) throws(CreatingCalls.Failure) {
        guard let answer = try creating?.open(path, base: base, flags: flags, mode: mode, caller: caller) else { throw .system(EPERM) }
        if case .descriptor(let opened, let closeOnExec) = consume answer { try give(opened.rawValue, closeOnExec, to: notification) }
    }

    /// Hands a descriptor over as the call's result. A caller at its own limit on open files gets that answer.
    private func give(_ number: Int32, _ closeOnExec: Bool, to notification: SeccompNotification) throws(CreatingCalls.Failure) {
        do {
            _ = try listener.install(notification.id, descriptor: number, closeOnExec: closeOnExec)
        } catch {
            throw .system(error.errno)
        }
    }

    /// memfd_create where the pid namespace could not be told to make memory files non-executable: made here, that way.
    private mutating func makeMemory(_ notification: SeccompNotification, _ caller: CallerView) throws(CreatingCalls.Failure) -> Bool {
        let flags = UInt32(truncatingIfNeeded: notification.arguments[1])
        guard flags & GBX_MFD_EXEC == 0 else { return false }
        // Without a cgroup nobody counts the pages of memory files: their number and the limit on a file's size bound them.
        guard countsMemory || memoryFiles < Self.memoryFileLimit(confinement.limits) else { throw .system(ENFILE) }
        let name: [UInt8]
        do { name = try caller.string(at: notification.arguments[0]) } catch { throw .system(error.errno) }
        guard name.count <= 249 else { throw .system(EINVAL) }
        guard (try? listener.isValid(notification.id)) == true else { return true }
        let made = gbx_memfd(name.map(CChar.init(bitPattern:)) + [0], flags | GBX_MFD_NOEXEC_SEAL | GBX_MFD_CLOEXEC)
        guard made >= 0 else { throw .system(-made) }
        let memory = OwnedDescriptor(adopting: made)
        memoryFiles += 1
        try give(memory.rawValue, flags & GBX_MFD_CLOEXEC != 0, to: notification)
        return true
    }

    // MARK: - Refusals

    private mutating func refuse(_ notification: SeccompNotification, _ caller: CallerView) {
        if log.wantsRefusal(at: MonotonicClock.now()) {
            let name = SyscallTable.name(of: notification.number) ?? "syscall \(notification.number)"
            let advice = SyscallAdvice.advice(name: name, arguments: notification.arguments, confinement: confinement)
            log.record(
                Violation(
                    layer: "seccomp", syscall: name, arguments: SyscallDecoder.text(name: name, arguments: notification.arguments),
                    pid: notification.pid, program: caller.program, answer: "EPERM", reason: advice.reason, allowedBy: advice.policyLine))
        } else {
            countOnly("seccomp", notification)
        }
        fail(notification, EPERM)
    }

    private mutating func record(_ notification: SeccompNotification, _ caller: CallerView, _ refusal: NameRules.Refusal) {
        guard log.wantsRefusal(at: MonotonicClock.now()) else { return countOnly(refusal.layer, notification) }
        let name = SyscallTable.name(of: notification.number) ?? "syscall \(notification.number)"
        let answer = SystemError(errno: refusal.errno, operation: name).symbol
        log.record(
            Violation(
                layer: refusal.layer, syscall: name,
                arguments: refusal.arguments ?? SyscallDecoder.text(name: name, arguments: notification.arguments),
                pid: notification.pid, program: caller.program, answer: answer, reason: refusal.reason, allowedBy: refusal.allowedBy,
                rule: refusal.rule))
    }
}
