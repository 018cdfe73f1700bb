import SandboxPolicy
import Testing

struct SyscallDecoderTests {
    @Test(
        arguments: [
            ("socket", [40, 1, 0], "AF_VSOCK, SOCK_STREAM, 0"),
            ("socket", [2, 1 | 0x80000, 262], "AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_MPTCP"),
            ("socket", [16, 3, 9], "AF_NETLINK, SOCK_RAW, NETLINK_AUDIT"),
            ("clone", [0x1000_0011], "CLONE_NEWUSER|SIGCHLD"),
            ("ioctl", [0, 0x5412, 0], "0, TIOCSTI, NULL"),
            ("ioctl", [0, 0x1_0000_5412, 0], "0, TIOCSTI (+0x1 above bit 31), NULL"),
            ("openat", [0xffff_ff9c, 0x7000, 0x80041, 0o644], "AT_FDCWD, 0x7000, O_WRONLY|O_CREAT|O_CLOEXEC, 0644"),
            ("open", [0x7000, 0x41_0002, 0o600], "0x7000, O_RDWR|O_TMPFILE, 0600"),
            ("prctl", [0x5961_6d61, 0], "PR_SET_PTRACER, NULL"),
            ("personality", [0x40000], "PER_LINUX|ADDR_NO_RANDOMIZE"),
            ("mprotect", [0x1000, 4096, 7], "0x1000, 4096, PROT_READ|PROT_WRITE|PROT_EXEC"),
            ("memfd_create", [0x1000, 0x11], "0x1000, MFD_CLOEXEC|MFD_EXEC"),
            ("sched_yield", [1, 2], ""),
        ] as [(String, [UInt64], String)])
    func readable(name: String, arguments: [UInt64], text: String) {
        #expect(SyscallDecoder.text(name: name, arguments: arguments) == text)
    }

    @Test func numbersWithoutANameStayNumbers() {
        #expect(SyscallDecoder.callText(number: 1000, arguments: []) == "syscall 1000")
        #expect(SyscallDecoder.callText(number: 135, arguments: [8]) == "personality(PER_LINUX32)")
    }

    /// Decoding never fails, whatever a tool passes.
    @Test func everyCallDecodesWithAnyArguments() {
        for (_, name) in SyscallTable.all {
            for value in [0, 1, 0xffff_ffff, UInt64.max, 1 << 63] as [UInt64] {
                let text = SyscallDecoder.text(name: name, arguments: Array(repeating: value, count: 6))
                #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
            }
        }
    }
}

struct SyscallAdviceTests {
    @Test(
        arguments: [
            ("ptrace", [], "syscalls: {allow: [\"@debug\"]}"),
            ("shmget", [], "syscalls: {allow: [\"@sysv-ipc\"]}"),
            ("fork", [], "capabilities: [{allow: \"process:spawn\", rights: [execute]}]"),
            ("socket", [2, 2, 0], "capabilities: [{allow: \"network:loopback\", rights: [connect]}]"),
            ("socket", [10, 1, 6], "capabilities: [{allow: \"network:tcp:HOST:PORT\", rights: [connect]}]"),
        ] as [(String, [UInt64], String)])
    func smallestLine(name: String, arguments: [UInt64], line: String) {
        #expect(SyscallAdvice.advice(name: name, arguments: arguments).policyLine == line)
    }

    @Test(
        arguments: [
            ("mount", []), ("clone3", []), ("socket", [40, 1, 0]), ("socket", [2, 1, 262]), ("ioctl", [0, 0x5412]),
            ("clone", [0x1000_0000]),
            ("chmod", [0, 0o4755]), ("execveat", [0, 0, 0, 0, 0x1000]),
        ] as [(String, [UInt64])])
    func someCallsHaveNoLine(name: String, arguments: [UInt64]) {
        let advice = SyscallAdvice.advice(name: name, arguments: arguments)
        #expect(advice.policyLine == nil)
        #expect(!advice.reason.isEmpty)
    }

    @Test func aPolicyThatDeniesIsToldSo() {
        let advice = SyscallAdvice.advice(name: "ptrace", arguments: [], rules: SyscallRules(deny: ["@debug"]))
        #expect(advice.policyLine == nil)
        #expect(advice.reason.contains("@debug"))
    }

    /// A line that cannot win is no advice: the deny that must go is.
    @Test(
        arguments: [
            ("fork", [], "deny process:spawn execute"), ("clone", [0x11], "deny process:spawn execute"),
            ("execve", [], "deny process:spawn execute"), ("socket", [2, 1, 0], "deny network:* connect,listen"),
            ("socket", [2, 2, 0], "deny network:* connect,listen"),
        ] as [(String, [UInt64], String)])
    func underComputeTheDenyIsNamed(name: String, arguments: [UInt64], rule: String) throws {
        let confinement = try Fixtures.load("compute.yaml").confinement(workspace: nil, workspaceWritable: false)
        let advice = SyscallAdvice.advice(name: name, arguments: arguments, confinement: confinement)
        #expect(advice.policyLine?.hasPrefix("remove `\(rule)` at compute.yaml:") == true, "\(advice)")
        #expect(advice.reason.contains("no allow outweighs a deny"))
    }

    /// Two lines are missing, and both are named.
    @Test func aNarrowBaseAndAMissingGrant() throws {
        let policy = try Fixtures.rules("allow: 'filesystem:host:/usr', rights: [read, execute]", more: "syscalls: {base: compute}\n")
        let confinement = try policy.confinement(workspace: nil, workspaceWritable: false)
        let advice = SyscallAdvice.advice(name: "fork", arguments: [], confinement: confinement)
        #expect(advice.policyLine?.contains("@process") == true)
        #expect(advice.policyLine?.contains("process:spawn") == true)
        #expect(SyscallAdvice.advice(name: "ptrace", arguments: [], confinement: confinement).policyLine?.contains("@debug") == true)
    }

    /// An advised group must really open the call.
    @Test func everyAdvisedGroupWorks() throws {
        for group in SyscallGroup.all where group.standing == .onRequest {
            for name in group.members {
                let advice = SyscallAdvice.advice(name: name, arguments: [])
                #expect(advice.policyLine == "syscalls: {allow: [\"\(group.name)\"]}")
                #expect(try SyscallCatalogue.allowedCalls(SyscallRules(allow: [group.name])).contains(name))
            }
        }
    }
}
