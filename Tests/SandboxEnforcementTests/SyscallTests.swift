import LinuxPrimitives
import SandboxLauncher
import SandboxTestSupport
import Testing

/// The filter seen from inside: what it kills, refuses, does not know and lets through, and what the record says.
@Suite(.serialized) struct SyscallTests {
    @Test(.timeLimit(.minutes(1)), arguments: ["int80", "x32"])
    func `a foreign calling convention kills the tool`(action: String) async throws {
        try await SandboxFixture.with { fixture in
            // IA32 emulation and x32 are options of the kernel: outside the call is answered, by success or by an error number.
            let outside = try BareProcess.run([Products.probe, action])
            if action == "int80" { #expect([0, 139].contains(outside.code)) } else { #expect(outside.code == 0) }
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), action)
            guard case .violation = report.outcome else {
                Issue.record("\(action): \(report.outcome) \(report.answer)")
                return
            }
            // In a child, the tool itself lives on.
            let child = try await fixture.probe(try TestPolicies.shipped("workspace"), "child", action)
            #expect(child.answer == .ok("signaled SIGSYS"))
        }
    }

    /// Refused whoever asks; as root several of them work outside.
    @Test(.timeLimit(.minutes(1))) func `dangerous calls are refused and recorded`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // Name, number, arguments that fail harmlessly once permission was given.
            let calls: [(name: String, number: Int, arguments: [String])] = [
                ("mount", 165, ["0", "0", "0", "0", "0"]), ("umount2", 166, ["0", "0"]), ("pivot_root", 155, ["0", "0"]),
                ("chroot", 161, ["0"]), ("unshare", 272, ["0x10000000"]), ("setns", 308, ["-1", "0"]),
                ("ptrace", 101, ["16", "999999"]), ("process_vm_readv", 310, ["1", "0", "0", "0", "0", "0"]),
                ("kcmp", 312, ["1", "1", "0", "0", "0"]), ("pidfd_getfd", 438, ["-1", "0", "0"]), ("bpf", 321, ["9999", "0", "0"]),
                ("perf_event_open", 298, ["0", "0", "-1", "-1", "0"]), ("keyctl", 250, ["0", "-3", "0"]),
                ("add_key", 248, ["0", "0", "0", "0", "0"]), ("request_key", 249, ["0", "0", "0", "0"]),
                ("io_uring_setup", 425, ["1", "0"]), ("userfaultfd", 323, ["0"]), ("init_module", 175, ["0", "0", "0"]),
                ("finit_module", 313, ["-1", "0", "0"]), ("delete_module", 176, ["0", "0"]), ("kexec_load", 246, ["0", "999", "0", "0"]),
                ("open_by_handle_at", 304, ["-1", "0", "0"]), ("name_to_handle_at", 303, ["-1", "0", "0", "0", "0"]),
                ("fanotify_init", 300, ["0xffff", "0"]), ("settimeofday", 164, ["1", "1"]), ("clock_settime", 227, ["99", "0"]),
                ("swapon", 167, ["0", "0"]), ("reboot", 169, ["0", "0", "0", "0"]), ("acct", 163, ["1"]),
                ("sethostname", 170, ["1", "1"]), ("iopl", 172, ["9"]), ("ioperm", 173, ["0", "0", "0"]),
                ("quotactl", 179, ["0", "0", "0", "0"]), ("vmsplice", 278, ["-1", "0", "0", "0"]),
                ("move_mount", 429, ["-1", "0", "-1", "0", "0"]), ("fsopen", 430, ["0", "0"]), ("open_tree", 428, ["-1", "0", "0"]),
                ("mount_setattr", 442, ["-1", "0", "0", "0", "0"]), ("listmount", 458, ["0", "0", "0", "0"]),
                ("statmount", 457, ["0", "0", "0", "0"]),
            ]
            for call in calls {
                let arguments = ["\(call.number)"] + call.arguments.map { $0.hasPrefix("-") ? "0xffffffffffffffff" : $0 }
                let report = try await fixture.seal(policy, [Products.probe, "syscall"] + arguments)
                #expect(["EPERM", "ENOSYS"].contains(report.answer.error), "\(call.name): \(report.answer)")
                if report.answer.error == "EPERM" {
                    let violation = try #require(report.violation(of: call.name), "\(call.name) is not recorded: \(report.violations)")
                    #expect(violation.count == 1)
                    #expect(violation.answer == "EPERM")
                    #expect(violation.program == "sandbox-probe")
                    #expect(!violation.reason.isEmpty)
                }
            }
            // Positive controls: the same harmless calls are let through outside.
            for name in ["unshare", "keyctl", "ptrace"] {
                let outside =
                    switch name {
                    case "unshare": try fixture.outside("unshare", "user")
                    case "keyctl": try fixture.outside("flood-violations", "1")
                    default: try fixture.outside("ptrace")
                    }
                #expect(outside.error != "EPERM", "\(name): \(outside)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the record decodes arguments and names the line that would allow`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let vsock = try #require(try await fixture.probe(policy, "socket", "vsock", "stream").violation(of: "socket"))
            #expect(vsock.arguments.contains("AF_VSOCK"))
            #expect(vsock.arguments.contains("SOCK_STREAM"))
            #expect(vsock.allowedBy == nil)
            #expect(vsock.pid > 1)
            let tcp = try #require(try await fixture.probe(policy, "socket", "inet", "stream").violation(of: "socket"))
            #expect(tcp.allowedBy?.contains("network:") == true)
            let many = try await fixture.probe(policy, "flood-violations", "25")
            #expect(many.answer == .errno("EPERM", detail: "25"))
            #expect(many.violation(of: "keyctl")?.count == 25)
            #expect(many.violations.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `new processes cannot bring new namespaces`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            #expect(try fixture.outside("clone3").isOK)
            #expect(try await fixture.probe(policy, "clone3").answer.error == "ENOSYS")
            #expect(try await fixture.probe(policy, "clone3-user").answer.error == "ENOSYS")
            #expect(try fixture.outside("clone-ns", "user").isOK)
            for namespace in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "user,net,mnt"] {
                let report = try await fixture.probe(policy, "clone-ns", namespace)
                #expect(report.answer.error == "EPERM", "\(namespace): \(report.answer)")
                #expect(report.violation(of: "clone")?.arguments.contains("CLONE_NEW") == true, "\(namespace)")
                #expect(try await fixture.probe(policy, "unshare", namespace).answer.error == "EPERM")
            }
            #expect(try await fixture.probe(policy, "unshare", "time").answer.error == "EPERM")
            #expect(try await fixture.probe(policy, "clone-ns", "0").answer.isOK, "a plain process is allowed")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `unknown numbers are unknown, also with high bits`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // 335 and 336 belong to the kernel's own uprobe trampolines, past every filter.
            for number in ["340", "423", "511", "600", "9999", "0x3fffffff"] {
                let report = try await fixture.probe(policy, "syscall", number)
                #expect(report.answer.error == "ENOSYS", "\(number): \(report.answer)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `personality takes Linux and nothing that weakens`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            for value in ["0", "8", "20000", "20008", "ffffffff"] {
                #expect(try await fixture.probe(policy, "personality", value).answer.isOK, "\(value)")
            }
            for value in ["40000", "400000", "100000", "1000000", "40008"] { // no randomisation, readable implies executable, null page…
                #expect(try fixture.outside("personality", value).isOK, "\(value)")
                #expect(try await fixture.probe(policy, "personality", value).answer.error == "EPERM", "\(value)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `prctl changes nothing that protects`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // PR_SET_DUMPABLE 1, PR_SET_SECUREBITS, PR_CAP_AMBIENT raise, PR_SET_PTRACER, PR_SET_MM
            for arguments in [["4", "1"], ["28", "0"], ["47", "2", "1"], ["0x59616d61", "1"], ["35", "1", "0"]] {
                let report = try await fixture.seal(policy, [Products.probe, "prctl"] + arguments)
                #expect(report.answer.error == "EPERM", "\(arguments): \(report.answer)")
                #expect(report.violation(of: "prctl") != nil)
            }
            #expect(try fixture.outside("prctl", "4", "1").isOK)
            #expect(try await fixture.probe(policy, "prctl", "38", "1").answer.isOK)
        }
    }

    /// Whether the filter asked for is the one that kills, refuses and records, also after the tool has tried to add its own.
    @Test(.timeLimit(.minutes(1))) func `a tool gets no listener and no foreign limits`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // seccomp(SET_MODE_FILTER, NEW_LISTENER, NULL); prlimit64(1, NOFILE, NULL, NULL)
            #expect(try fixture.outside("syscall", "317", "1", "8", "0").error == "EFAULT")
            #expect(try await fixture.probe(policy, "syscall", "317", "1", "8", "0").answer.error == "EPERM")
            #expect(try await fixture.probe(policy, "syscall", "302", "1", "7", "0", "0").answer.error == "EPERM")
            #expect(try await fixture.probe(policy, "syscall", "302", "0", "7", "0", "0").answer.isOK)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a flood of violations is counted and ends`() async throws {
        try await SandboxFixture.with { fixture in
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "flood-violations", "200000")
            #expect(report.outcome == .exited(code: 0))
            #expect(report.answer == .errno("EPERM", detail: "200000"))
            let recorded = report.violations.reduce(0) { $0 + $1.count }
            #expect(recorded + report.violationsDropped == 200_000)
            #expect(report.violations.count == 1)
        }
    }

    /// Many different violations: the log stays small.
    @Test(.timeLimit(.minutes(1))) func `a flood of distinct violations stays bounded`() async throws {
        try await SandboxFixture.with { fixture in
            let script = "for my $i (1..1000) { syscall(250, $i, 0, 0) } print \"done\\n\";"
            let report = try await fixture.perl(try TestPolicies.shipped("workspace"), script)
            #expect(report.output == "done\n")
            #expect(report.violations.count <= 256)
            #expect(report.violations.reduce(0) { $0 + $1.count } + report.violationsDropped == 1000)
        }
    }
}
