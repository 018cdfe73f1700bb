import SandboxPolicy
import Testing

struct SyscallTableTests {
    @Test func numbersAndNamesAgreeBothWays() {
        #expect(SyscallTable.all.count == 383)
        for (number, name) in SyscallTable.all {
            #expect(SyscallTable.name(of: number) == name)
            #expect(SyscallTable.number(of: name) == number)
        }
    }

    /// Fixed points from the kernel's table, so that a lost row cannot shift all others unseen.
    @Test(
        arguments: [
            (0, "read"), (59, "execve"), (101, "ptrace"), (157, "prctl"), (202, "futex"), (257, "openat"), (317, "seccomp"), (334, "rseq"),
            (335, "uretprobe"), (336, "uprobe"), (424, "pidfd_send_signal"), (435, "clone3"), (437, "openat2"),
            (450, "set_mempolicy_home_node"),
            (452, "fchmodat2"), (458, "listmount"), (462, "mseal"), (467, "open_tree_attr"), (469, "file_setattr"),
        ] as [(Int32, String)])
    func knownNumbers(number: Int32, name: String) {
        #expect(SyscallTable.name(of: number) == name)
    }

    @Test(arguments: [-1, 337, 423, 470, 1000, Int32.max, Int32.min] as [Int32])
    func numbersWithoutName(number: Int32) {
        #expect(SyscallTable.name(of: number) == nil)
    }
}

struct SyscallGroupTests {
    @Test func everyCallIsInExactlyOneGroup() {
        let members = SyscallGroup.all.flatMap(\.members)
        #expect(Set(members).count == members.count)
        #expect(Set(members) == Set(SyscallTable.all.map(\.name)))
    }

    @Test func groupsAreNamedAndExplained() {
        #expect(Set(SyscallGroup.all.map(\.name)).count == SyscallGroup.all.count)
        for group in SyscallGroup.all {
            #expect(group.name.hasPrefix("@"))
            #expect(!group.members.isEmpty, "\(group.name)")
            #expect(group.purpose.count > 8, "\(group.name)")
        }
    }

    @Test func basesAreOfTheSizeTheyPromise() throws {
        let standard = try SyscallCatalogue.allowedCalls(SyscallRules(base: "default"))
        let compute = try SyscallCatalogue.allowedCalls(SyscallRules(base: "compute"))
        #expect(standard.count <= 260)
        #expect(compute.isStrictSubset(of: standard))
        #expect(compute.isDisjoint(with: ["socket", "socketpair", "connect", "sendmsg", "fork", "execve", "memfd_create"]))
    }
}

struct SyscallCatalogueTests {
    static let plain = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: true)

    static func specification(
        _ rules: SyscallRules = SyscallRules(), maySpawn: Bool = true, network: NetworkConfinement = NetworkConfinement(),
        demands: FilterDemands = plain
    ) throws -> FilterSpecification {
        try SyscallCatalogue.specification(for: rules, maySpawn: maySpawn, network: network, demands: demands)
    }

    static func answer(_ specification: FilterSpecification, _ name: String, _ arguments: UInt64...) throws -> FilterAction {
        let number = try #require(SyscallTable.number(of: name))
        return specification.decide(SystemCall(number: UInt32(number), arguments: arguments))
    }

    @Test func everyNamedCallHasARule() throws {
        let specification = try Self.specification()
        #expect(Set(specification.rules.map(\.name)) == Set(SyscallTable.all.map(\.name)))
        #expect(specification.defaultAction == .errno(38))
    }

    /// A rule that a second one repeats, or that says what happens anyway, hides mistakes.
    @Test func noRuleIsRedundant() throws {
        let specification = try Self.specification()
        for (number, rules) in Dictionary(grouping: specification.rules, by: \.number) {
            let otherwise = rules.filter(\.conditions.isEmpty)
            #expect(otherwise.count == 1, "\(number)")
            for rule in rules where !rule.conditions.isEmpty {
                #expect(rule.action != otherwise.first?.action, "\(rule.name)")
                #expect(rules.filter { $0.conditions == rule.conditions }.count == 1, "\(rule.name)")
            }
        }
    }

    @Test func denyBeatsAllow() throws {
        let specification = try Self.specification(SyscallRules(deny: ["ptrace", "@inotify"], allow: ["@debug", "inotify_init"]))
        #expect(try Self.answer(specification, "ptrace") == .notify)
        #expect(try Self.answer(specification, "inotify_init") == .notify)
        #expect(try Self.answer(specification, "kcmp") == .allow)
    }

    @Test func aGroupOnRequestIsClosedUntilAsked() throws {
        #expect(try Self.answer(Self.specification(), "shmget") == .notify)
        #expect(try Self.answer(Self.specification(SyscallRules(allow: ["@sysv-ipc"])), "shmget") == .allow)
        #expect(try Self.answer(Self.specification(SyscallRules(allow: ["shmget"])), "shmat") == .notify)
    }

    @Test(arguments: [
        "@mount", "@namespaces", "@kernel-module", "@io-uring", "@keyring", "@reboot", "@clock-set", "@raw-io", "@bpf", "clone3", "openat2",
        "mount", "userfaultfd", "unshare",
    ])
    func noPolicyMayAllow(word: String) {
        #expect(throws: SyscallRuleError.self) { try Self.specification(SyscallRules(allow: [word])) }
        // Denying what is closed anyway is no mistake.
        #expect(throws: Never.self) { try Self.specification(SyscallRules(deny: [word])) }
    }

    @Test(arguments: [("@debgu", "@debug"), ("ptrce", "ptrace"), ("@xattr-wirte", "@xattr-write")])
    func unknownWordsAreRefusedWithASuggestion(word: String, meant: String) {
        for rules in [SyscallRules(allow: [word]), SyscallRules(deny: [word])] {
            let error = #expect(throws: SyscallRuleError.self) { try Self.specification(rules) }
            #expect(error?.mend.contains(meant) == true)
        }
    }

    @Test func unknownBaseIsRefused() {
        let error = #expect(throws: SyscallRuleError.self) { try Self.specification(SyscallRules(base: "defualt")) }
        #expect(error?.mend.contains("default") == true)
    }

    @Test func withoutAListenerRefusalsAreErrno() throws {
        var demands = Self.plain
        demands.canNotify = false
        demands.mediateCreation = true
        let specification = try Self.specification(demands: demands)
        #expect(!specification.rules.contains { $0.action == .notify })
        #expect(try Self.answer(specification, "mount") == .errno(1))
        #expect(try Self.answer(specification, "mkdir") == .errno(1))
        #expect(try Self.answer(specification, "clone3") == .errno(38))
    }

    @Test func deniedExecveStillLetsTheLauncherStartTheTool() throws {
        let specification = try Self.specification(SyscallRules(deny: ["execve"]))
        #expect(try Self.answer(specification, "execve", ExecPointer.placeholder) == .allow)
        #expect(try Self.answer(specification, "execve", 0x7fff_0000_1000) == .notify)
    }
}
