/// The smallest change of a policy that would let a refused call through, or why there is none.
package struct SyscallAdvice: Sendable, Equatable {
    /// A line of policy, ready to be added, or the deny that has to go; nil when no policy can allow the call.
    package var policyLine: String?
    /// One sentence: what the line opens, or why there is none.
    package var reason: String

    /// Calls that make a process or run a program.
    static let spawningCalls: Set<String> = ["fork", "vfork", "execve", "execveat"]

    /// Advice for a call that the filter of a run refused.
    package static func advice(name: String, arguments: [UInt64], confinement: Confinement) -> SyscallAdvice {
        let call = SystemCall(number: 0, arguments: arguments)
        if needsProcess(name, call) {
            if let denial = confinement.spawnDenial { return outweighed(by: denial) }
            if !confinement.maySpawn, SyscallGroup.containing(name)?.name == "@process", !isAllowed(name, by: confinement.syscalls),
                !confinement.syscalls.deny.contains(where: { $0 == name || $0 == "@process" })
            {
                return SyscallAdvice(
                    policyLine: spawnAdvice.policyLine.map { "\($0) and \(line(allowing: "@process"))" },
                    reason: "the policy allows one process, and its base has no calls to make another")
            }
        }
        if name == "socket", let denial = confinement.network.denial, [2, 10].contains(UInt32(truncatingIfNeeded: call.arguments[0])),
            socketAdvice(call).policyLine != nil
        {
            return outweighed(by: denial)
        }
        return advice(name: name, arguments: arguments, rules: confinement.syscalls)
    }

    private static func outweighed(by denial: RuleReference) -> SyscallAdvice {
        SyscallAdvice(
            policyLine: "remove `\(denial.text)` at \(denial.location)",
            reason: (denial.because.map { "\($0); " } ?? "") + "no allow outweighs a deny")
    }

    private static func needsProcess(_ name: String, _ call: SystemCall) -> Bool {
        switch name {
        case "clone": call.arguments[0] & 0x7E03_0000 == 0
        case "execveat": !has(call, 4, 0x1000)
        default: spawningCalls.contains(name)
        }
    }

    /// Advice for a call that a filter refused or did not know. `rules` is what the policy already says.
    package static func advice(name: String, arguments: [UInt64], rules: SyscallRules = SyscallRules()) -> SyscallAdvice {
        guard let group = SyscallGroup.containing(name) else {
            return SyscallAdvice(policyLine: nil, reason: "`\(name)` is no call of Linux 6.18 on x86-64, so no rule can name it")
        }
        if case .never(let why) = group.standing {
            return SyscallAdvice(policyLine: nil, reason: "no policy may allow \(group.name): \(why)")
        }
        if let denial = rules.deny.first(where: { $0 == name || $0 == group.name }) {
            return SyscallAdvice(policyLine: nil, reason: "the policy itself denies `\(denial)`, and deny wins over allow")
        }
        if !isAllowed(name, by: rules) { return SyscallAdvice(policyLine: line(allowing: group.name), reason: group.purpose) }
        let call = SystemCall(number: 0, arguments: arguments)
        return argumentAdvice(name: name, call: call)
            ?? SyscallAdvice(policyLine: nil, reason: "these arguments are refused in every policy")
    }

    private static func line(allowing word: String) -> String { "syscalls: {allow: [\"\(word)\"]}" }

    private static func line(resource: String, right: String) -> String { "capabilities: [{allow: \"\(resource)\", rights: [\(right)]}]" }

    private static func isAllowed(_ name: String, by rules: SyscallRules) -> Bool {
        (try? SyscallCatalogue.allowedCalls(rules))?.contains(name) ?? false
    }

    /// For calls whose group is allowed, so that the arguments, or a missing grant, are to blame.
    private static func argumentAdvice(name: String, call: SystemCall) -> SyscallAdvice? {
        switch name {
        case "fork", "vfork", "execve":
            return spawnAdvice
        case "execveat":
            guard !has(call, 4, 0x1000) else {
                return SyscallAdvice(policyLine: nil, reason: "running a descriptor would run memory that no file rule covers")
            }
            return spawnAdvice
        case "clone":
            guard call.arguments[0] & 0x7E02_0000 == 0 else {
                return SyscallAdvice(policyLine: nil, reason: "no policy may allow new namespaces")
            }
            return spawnAdvice
        case "socket":
            return socketAdvice(call)
        case "socketpair":
            return SyscallAdvice(policyLine: nil, reason: "only stream and packet pairs of AF_UNIX; a datagram end can be connected anew")
        case "connect", "bind":
            return SyscallAdvice(
                policyLine: line(
                    resource: name == "bind" ? "network:listen:PORT" : "network:tcp:HOST:PORT",
                    right: name == "bind" ? "listen" : "connect"),
                reason: "the supervisor makes the connections that a grant names")
        case "sendto", "sendmsg", "sendmmsg":
            return SyscallAdvice(policyLine: nil, reason: "TCP Fast Open connects past the rules for connections; connect first")
        case "ioctl":
            return SyscallAdvice(policyLine: nil, reason: "the request injects input or takes over a terminal")
        case "chmod", "fchmod", "fchmodat", "fchmodat2", "open", "openat", "creat", "mknod", "mknodat":
            return SyscallAdvice(policyLine: nil, reason: "no policy may allow set-id files or device nodes")
        case "memfd_create":
            return SyscallAdvice(policyLine: nil, reason: "memory files that can be run are refused; pass MFD_NOEXEC_SEAL")
        case "prlimit64":
            return SyscallAdvice(policyLine: nil, reason: "limits can be read and lowered for the caller only (pid 0)")
        case "prctl", "personality", "seccomp":
            return SyscallAdvice(policyLine: nil, reason: "this option is not among those that only narrow or only concern the caller")
        default:
            return nil
        }
    }

    private static var spawnAdvice: SyscallAdvice {
        SyscallAdvice(policyLine: line(resource: "process:spawn", right: "execute"), reason: "the policy allows one process")
    }

    private static func socketAdvice(_ call: SystemCall) -> SyscallAdvice {
        let family = UInt32(truncatingIfNeeded: call.arguments[0])
        let type = UInt32(truncatingIfNeeded: call.arguments[1]) & 0xF
        let number = UInt32(truncatingIfNeeded: call.arguments[2])
        switch (family, type, number) {
        case (2, 1, 0), (2, 1, 6), (10, 1, 0), (10, 1, 6):
            return SyscallAdvice(
                policyLine: line(resource: "network:tcp:HOST:PORT", right: "connect"),
                reason: "TCP sockets come with a network grant; for talk inside the sandbox network:loopback is enough")
        case (2, 2, 0), (2, 2, 17), (10, 2, 0), (10, 2, 17):
            return SyscallAdvice(
                policyLine: line(resource: "network:loopback", right: "connect"),
                reason: "UDP exists on the sandbox's own loopback only; the supervisor resolves names itself")
        case (2, _, 262), (10, _, 262):
            return SyscallAdvice(policyLine: nil, reason: "MPTCP passes Landlock's TCP rules; use protocol 0")
        default:
            return SyscallAdvice(policyLine: nil, reason: "no policy may allow this socket family, type or protocol")
        }
    }

    private static func has(_ call: SystemCall, _ argument: Int, _ bit: UInt64) -> Bool { call.arguments[argument] & bit != 0 }
}
