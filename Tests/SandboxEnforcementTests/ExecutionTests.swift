import LinuxPrimitives
import SandboxLauncher
import SandboxTestSupport
import TestSupport
import Testing

/// What may be executed, and by what detours.
@Suite(.serialized) struct ExecutionTests {
    /// A copy of the probe in the workspace, which the policy lets be read and written.
    private static func copyProbe(_ fixture: SandboxFixture) throws -> String {
        let copied = try BareProcess.run(["/bin/cp", Products.probe, fixture.path("program")])
        try #require(copied.code == 0)
        try HostFile.give(fixture.path("program"), to: SandboxFixture.workspaceOwner)
        return fixture.path("program")
    }

    @Test(.timeLimit(.minutes(1))) func `a file without the execute right does not run`() async throws {
        try await SandboxFixture.with { fixture in
            let program = try Self.copyProbe(fixture)
            #expect(try fixture.outside("exec", program, "exit", "7") == .ok("exited 7"))
            let policy = try TestPolicies.shipped("workspace")
            #expect(try await fixture.probe(policy, "read", program).answer.isOK)
            #expect(try await fixture.probe(policy, "exec", program, "exit", "7").answer.error == "EACCES")
            let direct = try await fixture.seal(policy, [program, "exit", "7"])
            #expect(direct.outcome == .notExecutable(program: program, errno: 13))
            // The same file under a policy that grants execution.
            #expect(try await fixture.probe(try TestPolicies.shipped("shell"), "exec", program, "exit", "7").answer == .ok("exited 7"))
        }
    }

    /// Kernel edge: the loader maps a file that may only be read. Here the mount's noexec flag stops it, which Landlock's
    /// execute right alone does not.
    @Test(.timeLimit(.minutes(1))) func `the loader does not run what may not be executed`() async throws {
        try await SandboxFixture.with { fixture in
            let program = try Self.copyProbe(fixture)
            #expect(try fixture.outside("exec-loader", program, "exit", "7") == .ok("exited 7"))
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "exec-loader", program, "exit", "7")
            #expect(report.answer == .ok("exited 127"), "\(report.answer)")
        }
    }

    /// Interpreters that are granted run scripts that are not: execution control ends where an interpreter begins.
    @Test(.timeLimit(.minutes(1))) func `an interpreter reads what it may read`() async throws {
        try await SandboxFixture.with { fixture in
            let script = try fixture.file("script.sh", "#!/bin/sh\nexit 7\n", mode: 0o755)
            let policy = try TestPolicies.shipped("workspace")
            #expect(try await fixture.probe(policy, "exec", script).answer.error == "EACCES")
            #expect(try await fixture.seal(policy, ["/bin/sh", script]).outcome == .exited(code: 7))
        }
    }

    /// Kernel edge: memory files pass Landlock's execute right.
    @Test(.timeLimit(.minutes(1))) func `memory files do not run`() async throws {
        try await SandboxFixture.with { fixture in
            #expect(try fixture.outside("exec-memfd") == .ok("exited 0"))
            let policy = try TestPolicies.shipped("workspace")
            let report = try await fixture.probe(policy, "exec-memfd")
            #expect(["EACCES", "EPERM"].contains(report.answer.error), "\(report.answer)")
            let flags = try await fixture.probe(policy, "memfd-flags").answer
            #expect(flags.value("plain") == "ok")
            #expect(flags.value("noexec") == "ok")
            #expect(flags.value("exec") != "ok")
            // By the name in /proc, which execve takes instead of execveat. The descriptor stays open over the execution, so that
            // the interpreter finds the script; it is not open for writing any more, which alone would be ETXTBSY.
            let script = """
                $^F = 255; my $name = "x"; my $memory = syscall(319, $name, 0); open(my $out, ">&=", $memory) or die "open: $!";
                syswrite($out, "#!/bin/sh\\nexit 7\\n") or die "write: $!";
                open(my $program, "<", "/proc/self/fd/$memory") or die "reopen: $!"; close($out);
                { no warnings; exec("/proc/self/fd/" . fileno($program)) } print "refused ", name(), "\\n";
                """
            #expect(try fixture.perlOutside(script).code == 7)
            let named = try await fixture.perl(policy, script)
            #expect(named.output == "refused EACCES\n", "\(named.outcome) \(named.errorOutput)")
            #expect(named.outcome == .exited(code: 0))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a descriptor does not run`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // execveat(descriptor of /bin/true, "", argv, envp, AT_EMPTY_PATH)
            let script = """
                open(my $file, "<", "/bin/true") or die; my $empty = ""; my $argv = pack("QQ", 0, 0);
                call "execveat", 322, fileno($file), $empty, $argv, $argv, 0x1000;
                """
            let report = try await fixture.perl(policy, script)
            #expect(report.output == "execveat EPERM\n")
            #expect(report.violation(of: "execveat")?.arguments.contains("AT_EMPTY_PATH") == true)
            #expect(try fixture.perlOutside(script).code == 0, "outside the program becomes /bin/true and says nothing")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `without process spawn there is one process, with threads`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("compute")
            #expect(try fixture.outside("fork-count", "2") == .ok("2"))
            let fork = try await fixture.probe(policy, "fork-count", "2")
            #expect(fork.answer == .errno("EPERM", detail: "0"))
            #expect(
                fork.violations.contains {
                    ["clone", "fork", "vfork"].contains($0.syscall) && $0.allowedBy?.contains("process:spawn") == true
                })
            #expect(try await fixture.probe(policy, "thread-count", "3").answer == .ok("3"))
            #expect(try await fixture.probe(policy, "clone-ns", "0").answer.error == "EPERM")
            #expect(try await fixture.probe(policy, "clone3").answer.error == "ENOSYS")
            // The tool's own exec, through the same pointer value that a guess could give, is refused too.
            let program = try await fixture.perl(policy, "exec('/bin/true') or print name(), \"\\n\";")
            #expect(program.output == "EPERM\n")
            #expect(program.violation(of: "execve") != nil)
            #expect(try await fixture.perl(policy, "print 6 * 7;").output == "42")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `missing and forbidden programs have their own outcomes`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            #expect(try await fixture.seal(policy, ["/nonexistent/program"]).outcome == .notFound(program: "/nonexistent/program"))
            #expect(try await fixture.seal(policy, ["no-such-program"]).outcome == .notFound(program: "no-such-program"))
            #expect(try await fixture.seal(policy, ["true"]).outcome == .exited(code: 0))
            let data = try fixture.file("data", "x", mode: 0o644)
            #expect(try await fixture.seal(policy, [data]).outcome == .notExecutable(program: data, errno: 13))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `processes of the host are neither seen nor signalled`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let own = "\(HostProcess.pid)"
            #expect(try fixture.outside("kill", own, "0").isOK)
            #expect(try await fixture.probe(policy, "kill", own, "0").answer.error == "ESRCH")
            #expect(try await fixture.probe(policy, "read", "/proc/\(own)/cmdline").answer.error == "ENOENT")
            // The sandbox's init is there, and takes no signal that could end it.
            _ = try await fixture.probe(policy, "signal-parent", "9")
            #expect(try await fixture.probe(policy, "ptrace", "1").answer.error == "EPERM")
        }
    }
}
