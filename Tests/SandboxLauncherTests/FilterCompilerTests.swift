import SandboxLauncher
import SandboxPolicy
import TestSupport
import Testing

/// The compiled filter, evaluated in user space: what the kernel will decide.
struct FilterCompilerTests {
    struct Mode: Sendable, CustomTestStringConvertible {
        var name: String
        var rules = SyscallRules()
        var maySpawn = true
        var network = NetworkConfinement()
        var demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: true)

        var testDescription: String { name }

        func specification() throws -> FilterSpecification {
            try SyscallCatalogue.specification(for: rules, maySpawn: maySpawn, network: network, demands: demands)
        }

        func evaluator() throws -> BPFEvaluator { try BPFEvaluator(bytes: FilterCompiler.compile(specification()).bytes) }
    }

    static let rule = RuleReference(policy: "test", file: "test", line: 1, text: "allow network:loopback")
    static let standard = Mode(name: "default")
    static let single = Mode(name: "default without process:spawn", maySpawn: false)
    static let compute = Mode(name: "compute", rules: SyscallRules(base: "compute"), maySpawn: false)
    static let mediated = Mode(
        name: "mediated", demands: FilterDemands(mediateCreation: true, mediateMemfd: true, mediateNetwork: true, canNotify: true))
    static let loopback = Mode(name: "loopback", network: NetworkConfinement(loopback: rule))
    static let connecting = Mode(
        name: "connect", network: NetworkConfinement(connect: [NetworkEndpoint(host: "example.org", port: 443, rule: rule)]),
        demands: FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: true, canNotify: true))
    static let silent = Mode(
        name: "no listener", demands: FilterDemands(mediateCreation: false, mediateMemfd: true, mediateNetwork: false, canNotify: false))
    static let modes = [standard, single, compute, mediated, loopback, connecting, silent]

    static func answer(_ mode: Mode, _ name: String, _ arguments: [UInt64]) throws -> FilterAction {
        let number = try #require(SyscallTable.number(of: name), "\(name)")
        return try mode.evaluator().evaluate(SystemCall(number: UInt32(number), arguments: arguments))
    }

    @Test(arguments: [false, true])
    func watchedOpeningsAreShownAndNoOthersAllowed(mediates: Bool) throws {
        var mode = Self.standard
        mode.demands = FilterDemands(
            mediateCreation: mediates, mediateMemfd: false, mediateNetwork: false, canNotify: true, watchOpening: true)
        var plain = mode
        plain.demands.watchOpening = false
        let cwd = UInt64(bitPattern: -100)
        for (name, before) in [("open", [UInt64(1)]), ("openat", [cwd, 1])] {
            for flags: UInt64 in [0, 1, 2, 0x80000, 0x10000, 0x40, 0x41, 0x241, 0x41_0000, 0x20_0000, 0x20_0040, 0x8000] {
                for bits: UInt64 in [0, 0o644, 0o4755] {
                    let arguments = before + [flags, bits]
                    let unwatched = try Self.answer(plain, name, arguments)
                    let isPlain = flags & (0x40 | 0x20_0000 | 0x40_0000) == 0
                    // A plain opening is seen; of everything else the answer is what it is without.
                    #expect(try Self.answer(mode, name, arguments) == (isPlain ? .notify : unwatched), "\(name) \(flags) \(bits)")
                }
            }
        }
    }

    // MARK: the catalogue of calls that a tool must not reach

    static let unreachable = """
        mount umount2 pivot_root chroot mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick statmount
        listmount unshare setns ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd init_module finit_module
        delete_module kexec_load kexec_file_load bpf perf_event_open lookup_dcookie syslog keyctl add_key request_key io_uring_setup
        io_uring_enter io_uring_register userfaultfd memfd_secret move_pages migrate_pages mbind set_mempolicy name_to_handle_at
        open_by_handle_at fanotify_init fanotify_mark settimeofday clock_settime adjtimex clock_adjtime swapon swapoff reboot quotactl
        quotactl_fd acct sethostname setdomainname vhangup ioperm iopl uselib ustat sysfs _sysctl modify_ldt remap_file_pages io_setup
        io_submit io_cancel io_destroy io_getevents ioprio_set vmsplice lsm_set_self_attr shmget shmat shmctl semget semop semctl
        semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    @Test(arguments: modes)
    func dangerousCallsAreRefusedAndReported(mode: Mode) throws {
        let evaluator = try mode.evaluator()
        let expected: FilterAction = mode.demands.canNotify ? .notify : .errno(1)
        for name in Self.unreachable {
            let number = try #require(SyscallTable.number(of: name), "\(name)")
            for arguments in [[], Array(repeating: UInt64.max, count: 6)] as [[UInt64]] {
                #expect(try evaluator.evaluate(SystemCall(number: UInt32(number), arguments: arguments)) == expected, "\(name)")
            }
        }
    }

    @Test(arguments: modes)
    func unknownAndProbedCallsAnswerNotImplemented(mode: Mode) throws {
        let evaluator = try mode.evaluator()
        let quiet = try ["clone3", "openat2", "get_mempolicy", "cachestat", "create_module", "map_shadow_stack", "futex_waitv"].map {
            UInt32(try #require(SyscallTable.number(of: $0)))
        }
        for number in quiet + [337, 400, 423, 470, 1000, SystemCall.x32Bit - 1, UInt32.max] {
            #expect(try evaluator.evaluate(SystemCall(number: number)) == .errno(38), "\(number)")
        }
    }

    @Test(arguments: modes)
    func foreignArchitecturesAndX32AreKilled(mode: Mode) throws {
        let evaluator = try mode.evaluator()
        for number in [0, 1, 20, 102, 359, 362, 470] as [UInt32] {
            #expect(try evaluator.evaluate(SystemCall(number: number, architecture: SystemCall.i386)) == .killProcess)
            #expect(try evaluator.evaluate(SystemCall(number: number, architecture: 0xC000_00B7)) == .killProcess)
            #expect(try evaluator.evaluate(SystemCall(number: number | SystemCall.x32Bit)) == .killProcess)
        }
        #expect(try evaluator.evaluate(SystemCall(number: UInt32.max - 1)) == .killProcess)
    }

    // MARK: arguments

    struct Case: Sendable, CustomTestStringConvertible {
        var mode: Mode
        var name: String
        var arguments: [UInt64]
        var expected: FilterAction

        init(_ mode: Mode, _ name: String, _ arguments: [UInt64], _ expected: FilterAction) {
            (self.mode, self.name, self.arguments, self.expected) = (mode, name, arguments, expected)
        }

        var testDescription: String { "\(mode.name): \(name)(\(SyscallDecoder.text(name: name, arguments: arguments)))" }
    }

    static let high: UInt64 = 1 << 32

    static let processCases: [Case] = [
        Case(standard, "clone", [0x11], .allow),
        Case(standard, "clone", [0x3D0F00], .allow),
        Case(standard, "clone", [0x1000_0011], .notify),
        Case(standard, "clone", [0x0002_0011 | high], .notify),
        Case(standard, "clone", [0x11 | high], .allow),
        Case(single, "clone", [0x3D0F00], .allow),
        Case(single, "clone", [0x11], .notify),
        Case(single, "clone", [0x4111], .notify),
        Case(single, "clone", [0x1001_0000], .notify),
        Case(standard, "fork", [], .allow),
        Case(single, "fork", [], .notify),
        Case(single, "vfork", [], .notify),
        Case(standard, "execve", [0x7fff_0000], .allow),
        Case(single, "execve", [0x7fff_0000], .notify),
        Case(single, "execve", [ExecPointer.placeholder], .allow),
        Case(single, "execve", [ExecPointer.placeholder & 0xffff_ffff], .notify),
        Case(single, "execveat", [], .notify),
        Case(standard, "execveat", [3, 0, 0, 0, 0x100], .allow),
        Case(standard, "execveat", [3, 0, 0, 0, 0x1000], .notify),
        Case(standard, "execveat", [3, 0, 0, 0, 0x1100 | high], .notify),
        Case(compute, "wait4", [], .notify),
        Case(compute, "clone", [0x3D0F00], .allow),
        Case(standard, "prlimit64", [0, 7, 0, 0], .allow),
        Case(standard, "prlimit64", [42, 7, 0, 0], .notify),
        Case(standard, "pidfd_open", [1], .allow),
        Case(standard, "kill", [1, 9], .allow),
    ]

    static let fileCases: [Case] =
        [
            Case(standard, "openat", [0, 0, 0o1, 0o7777], .allow),
            Case(standard, "openat", [0, 0, 0x41, 0o644], .allow),
            Case(standard, "openat", [0, 0, 0x41, 0o4755], .notify),
            Case(standard, "openat", [0, 0, 0x41_0002, 0o2755], .notify),
            Case(standard, "openat", [0, 0, 0x41_0002, 0o600], .allow),
            Case(standard, "open", [0, 0x42, 0o6755], .notify),
            Case(standard, "creat", [0, 0o4755], .notify),
            Case(standard, "creat", [0, 0o644], .allow),
            Case(standard, "mkdir", [0, 0o755], .allow),
            Case(standard, "mknod", [0, 0o100644], .allow),
            Case(standard, "mknod", [0, 0o644], .allow),
            Case(standard, "mknod", [0, 0o10644], .allow),
            Case(standard, "mknod", [0, 0o20644], .notify),
            Case(standard, "mknodat", [0, 0, 0o60644], .notify),
            Case(standard, "mknodat", [0, 0, 0o104755], .notify),
            Case(standard, "chmod", [0, 0o755], .allow),
            Case(standard, "chmod", [0, 0o4755], .notify),
            Case(standard, "fchmod", [3, 0o2755], .notify),
            Case(standard, "fchmodat", [3, 0, 0o6755], .notify),
            Case(standard, "fchmodat2", [3, 0, 0o4755, 0], .notify),
            Case(standard, "fchmodat2", [3, 0, 0o755, 0], .allow),
            Case(standard, "memfd_create", [0, 1], .allow),
            Case(standard, "memfd_create", [0, 0x11], .notify),
            Case(standard, "rename", [], .allow),
            Case(mediated, "open", [0, 0x80000], .allow),
            Case(mediated, "open", [0, 0x41, 0o644], .notify),
            Case(mediated, "openat", [0, 0, 0x80040, 0o644], .notify),
            Case(mediated, "openat", [0, 0, 0x80000 | high, 0], .allow),
            Case(mediated, "openat", [0, 0, 0x41_0002, 0o600], .allow),
            Case(mediated, "openat", [0, 0, 0x41_0002, 0o4600], .notify),
            Case(mediated, "memfd_create", [0, 0x9], .allow),
            Case(mediated, "memfd_create", [0, 0x1], .notify),
            Case(mediated, "memfd_create", [0, 0x18], .notify),
            Case(silent, "memfd_create", [0, 0x1], .errno(1)),
        ]
        + ["creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"]
        .map { Case(mediated, $0, [], .notify) }

    static let socketCases: [Case] =
        [
            Case(standard, "socket", [1, 1, 0], .allow),
            Case(standard, "socket", [1, 5 | 0x80800, 0], .allow),
            Case(standard, "socket", [1, 2, 0], .notify),
            Case(standard, "socket", [1, 3, 0], .notify),
            Case(standard, "socket", [1, 1, 1], .notify),
            Case(standard, "socket", [2, 1, 0], .notify),
            Case(standard, "socket", [2 | high, 1 | high, 0], .notify),
            Case(loopback, "socket", [2, 1, 0], .allow),
            Case(loopback, "socket", [10, 1 | 0x80000, 6], .allow),
            Case(loopback, "socket", [2, 2, 17], .allow),
            Case(loopback, "socket", [2, 1, 262], .notify),
            Case(loopback, "socket", [2, 1, 132], .notify),
            Case(loopback, "socket", [2, 3, 255], .notify),
            Case(loopback, "socket", [2, 2, 6], .notify),
            Case(connecting, "socket", [2, 1, 0], .allow),
            Case(connecting, "socket", [2, 2, 0], .notify),
            Case(connecting, "connect", [3, 0, 16], .notify),
            Case(connecting, "bind", [3, 0, 16], .notify),
            Case(loopback, "connect", [3, 0, 16], .allow),
            Case(standard, "socketpair", [1, 1, 0], .allow),
            Case(standard, "socketpair", [1, 5, 0], .allow),
            Case(standard, "socketpair", [1, 2, 0], .notify),
            Case(loopback, "socketpair", [2, 1, 0], .notify),
            Case(loopback, "sendto", [3, 0, 1, 0x4000, 0, 0], .allow),
            Case(loopback, "sendto", [3, 0, 1, 0x2000_0000, 0, 0], .notify),
            Case(loopback, "sendmsg", [3, 0, 0x2000_4000], .notify),
            Case(loopback, "sendmmsg", [3, 0, 1, 0x2000_0000 | high], .notify),
            Case(compute, "socket", [1, 1, 0], .notify),
            Case(compute, "socketpair", [1, 1, 0], .notify),
        ]
        + [15, 16, 17, 21, 29, 30, 31, 38, 40, 44].flatMap { (family: UInt64) in
            [loopback, standard].map { Case($0, "socket", [family, 1, 0], .notify) }
        }

    static let settingCases: [Case] = [
        Case(standard, "ioctl", [0, 0x5401], .allow),
        Case(standard, "ioctl", [0, 0x5452], .allow),
        Case(standard, "ioctl", [0, 0x4004_9409], .allow),
        Case(standard, "ioctl", [0, 0x5412], .notify),
        Case(standard, "ioctl", [0, 0x5412 | high], .notify),
        Case(standard, "ioctl", [0, 0x5412 | high << 31], .notify),
        Case(standard, "ioctl", [0, 0x541C], .notify),
        Case(standard, "ioctl", [0, 0x541D], .notify),
        Case(standard, "ioctl", [0, 0x5423 | high], .notify),
        Case(standard, "ioctl", [0, 0x5606], .notify),
        Case(standard, "ioctl", [0, 0x4B47], .notify),
        Case(standard, "prctl", [15, 1], .allow),
        Case(standard, "prctl", [38, 1], .allow),
        Case(standard, "prctl", [4, 0], .allow),
        Case(standard, "prctl", [4, 1], .notify),
        Case(standard, "prctl", [4 | high, 1], .notify),
        Case(standard, "prctl", [0x5961_6d61, 0], .notify),
        Case(standard, "prctl", [28, 0], .notify),
        Case(standard, "prctl", [35, 0], .notify),
        Case(standard, "prctl", [47, 1], .allow),
        Case(standard, "prctl", [47, 2], .notify),
        Case(standard, "personality", [0], .allow),
        Case(standard, "personality", [0xffff_ffff], .allow),
        Case(standard, "personality", [UInt64.max], .allow),
        Case(standard, "personality", [0x40000], .notify),
        Case(standard, "seccomp", [1, 0], .allow),
        Case(standard, "seccomp", [1, 8], .notify),
        Case(standard, "seccomp", [1, 9 | high], .notify),
        Case(standard, "seccomp", [2, 8], .allow),
        Case(standard, "seccomp", [7, 0], .notify),
        Case(silent, "ioctl", [0, 0x5412], .errno(1)),
        Case(silent, "prctl", [28], .errno(1)),
    ]

    @Test(arguments: processCases + fileCases + socketCases + settingCases)
    func argumentsDecide(_ example: Case) throws {
        #expect(try Self.answer(example.mode, example.name, example.arguments) == example.expected)
    }

    // MARK: the compiled program means what the specification says

    /// For every number, with arguments drawn around every value that a rule of it mentions.
    @Test(arguments: modes)
    func programAndSpecificationAgree(mode: Mode) throws {
        let specification = try mode.specification()
        let evaluator = try mode.evaluator()
        var random = SeededGenerator(state: 7)
        for number in (0...480).map(UInt32.init) + [0x3fff_ffff, 0x4000_0000, 0xffff_fffe, 0xffff_ffff] {
            let conditions = specification.rules.filter { UInt32(bitPattern: $0.number) == number }.flatMap(\.conditions)
            for _ in 0..<(conditions.isEmpty ? 2 : 400) {
                var arguments = (0..<6).map { _ in random.next() % 3 == 0 ? random.next() : 0 }
                for condition in conditions where random.next() % 2 == 0 {
                    // The value itself, with a bit flipped now and then, and with noise above bit 31.
                    var value = condition.value
                    if random.next() % 4 == 0 { value ^= 1 << (random.next() % 64) }
                    if random.next() % 4 == 0 { value |= random.next() << 32 }
                    arguments[Int(condition.argument)] = value
                }
                let call = SystemCall(number: number, arguments: arguments)
                #expect(try evaluator.evaluate(call) == specification.decide(call), "\(number) \(arguments)")
            }
        }
    }

    /// Specifications that no policy makes: other defaults, other comparisons, many ranges.
    @Test func randomSpecificationsCompileToTheSameMeaning() throws {
        var random = SeededGenerator(state: 42)
        let actions: [FilterAction] = [.allow, .notify, .errno(1), .errno(38), .killProcess]
        for _ in 0..<30 {
            var rules: [SyscallRule] = []
            for (number, name) in SyscallTable.all where random.next() % 2 == 0 {
                let otherwise = actions[Int(random.next() % 5)]
                if random.next() % 20 == 0 {
                    let comparisons: [ArgumentCondition.Comparison] = [
                        .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .maskedEqual(mask: 0xff00),
                    ]
                    let comparison = comparisons[Int(random.next() % 7)]
                    let value: UInt64 = comparison == .maskedEqual(mask: 0xff00) ? 0x1200 : 0x5_0000_1234
                    let condition = ArgumentCondition(argument: UInt32(random.next() % 6), comparison: comparison, value: value)
                    let action = actions[Int(random.next() % 5)]
                    rules.append(SyscallRule(name: name, number: number, conditions: [condition], action: action, group: "@x"))
                }
                rules.append(SyscallRule(name: name, number: number, action: otherwise, group: "@x"))
            }
            let specification = FilterSpecification(rules: rules, defaultAction: actions[Int(random.next() % 5)])
            let evaluator = try BPFEvaluator(bytes: FilterCompiler.compile(specification).bytes)
            for number in 0...475 as ClosedRange<UInt32> {
                for value in [0, 0x1234, 0x5_0000_1233, 0x5_0000_1234, 0x5_0000_1235, 0x6_0000_0000, UInt64.max] as [UInt64] {
                    let call = SystemCall(number: number, arguments: Array(repeating: value, count: 6))
                    #expect(try evaluator.evaluate(call) == specification.decide(call))
                }
            }
        }
    }

    // MARK: the address of the one execve

    @Test func addressIsPatchedPerLaunch() throws {
        let program = try FilterCompiler.compile(Self.single.specification())
        let address: UInt64 = 0x0000_5A5B_1234_5678
        let patched = try BPFEvaluator(bytes: program.patched(execPointer: address))
        #expect(try patched.evaluate(SystemCall(number: 59, arguments: [address])) == .allow)
        for other in [address + 1, address ^ high(1), ExecPointer.placeholder, 0] {
            #expect(try patched.evaluate(SystemCall(number: 59, arguments: [other])) == .notify)
        }
        #expect(zip(program.bytes, program.patched(execPointer: address)).filter { $0 != $1 }.count <= 8)
    }

    private func high(_ value: UInt64) -> UInt64 { value << 32 }

    @Test func programsThatMaySpawnHaveNoAddress() throws {
        let program = try FilterCompiler.compile(Self.standard.specification())
        #expect(program.execPointer == nil)
        #expect(program.patched(execPointer: 1) == program.bytes)
    }

    // MARK: size and errors

    /// Installing is what a short call pays for; these bounds keep a careless rule from doubling it.
    @Test(arguments: zip([standard, compute, mediated, loopback], [330, 330, 330, 360]))
    func programsStaySmall(mode: Mode, bound: Int) throws {
        let program = try FilterCompiler.compile(mode.specification())
        #expect(program.instructionCount <= bound)
        #expect(program.instructionCount > 100)
    }

    @Test func invalidRulesAreRefused() {
        func compile(_ rules: [SyscallRule]) throws -> FilterProgram {
            try FilterCompiler.compile(FilterSpecification(rules: rules, defaultAction: .errno(38)))
        }
        let beyond = ArgumentCondition(argument: 6, comparison: .equal, value: 0)
        #expect(throws: FilterCompileError.self) { try compile([SyscallRule(name: "x", number: -3, action: .allow, group: "")]) }
        #expect(throws: FilterCompileError.self) {
            try compile([SyscallRule(name: "x", number: 1, conditions: [beyond], action: .allow, group: "")])
        }
        #expect(throws: FilterCompileError.self) {
            try compile([
                SyscallRule(name: "x", number: 1, action: .allow, group: ""), SyscallRule(name: "x", number: 1, action: .notify, group: ""),
            ])
        }
    }
}
