import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Testing

/// An outcome says what happened, not what a tool makes it look like.
@Suite(.serialized) struct OutcomeTests {
    @Test(.timeLimit(.minutes(1))) func `a tool that sends itself the signal of a limit has reached no limit`() async throws {
        try await SandboxFixture.with { fixture in
            // Whoever runs the tests may ignore or block it.
            let script =
                "use POSIX; $SIG{XCPU} = 'DEFAULT'; sigprocmask(SIG_UNBLOCK, POSIX::SigSet->new(\(SIGXCPU))); kill XCPU => $$; sleep 10"
            #expect(try fixture.perlOutside(script).code == 128 + SIGXCPU)
            let report = try await fixture.perl(try TestPolicies.shipped("workspace"), script)
            #expect(report.outcome == .signaled(signal: SIGXCPU))
            #expect(report.limitHits == [])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `death by SIGSYS is called that`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            for report in [try await fixture.probe(policy, "int80"), try await fixture.perl(policy, "kill SYS => $$; sleep 10")] {
                guard case .violation(let text) = report.outcome else {
                    Issue.record("\(report.outcome)")
                    continue
                }
                #expect(text.contains("died of SIGSYS") && text.contains("can send it to itself"))
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `limits as large as a number gets stop nothing`(usesCgroups: Bool) async throws {
        try await SandboxFixture.with(usesCgroups: usesCgroups) { fixture in
            let policy = try TestPolicies.inline(
                parent: "guarded", ["allow: \"filesystem:workspace:*\", rights: [read, write, delete]"])
            var request = try fixture.request(policy, [Products.probe, "create", fixture.path("file")])
            for name in LimitName.allCases where name != .tmp { request.confinement.limits[name] = .max }
            let report = await fixture.supervisor.run(request)
            #expect(report.outcome == .exited(code: 0), "\(report.outcome)")
            #expect(report.answer.isOK, "\(report.answer)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `names are counted where nothing of the host may be written, too`() async throws {
        try await SandboxFixture.with { fixture in
            try fixture.directory("many", mode: 0o777)
            #expect(try fixture.outside("eat-files", fixture.path("many"), "10").isOK)
            let policy = try TestPolicies.shipped("compute", limits: [.created: 5])
            for place in ["/tmp", "/dev/shm"] {
                let report = try await fixture.seal(policy, [Products.probe, "eat-files", place, "10"], workingDirectory: "/tmp")
                #expect(report.answer == .errno("EDQUOT", detail: "5"), "\(report.outcome)")
                #expect(report.hit("created")?.value == "5")
                #expect(report.usage.createdFiles == 5)
            }
        }
    }

    /// What it wrote cannot be seen, but nobody is killed for that, and no limit is said to have been reached by killing.
    @Test(.timeLimit(.minutes(1))) func `a process that nobody has waited for is not killed`() async throws {
        try await SandboxFixture.with { fixture in
            // Long enough for several samples: each call that waits for one takes two.
            let script = """
                my $child = fork(); exit 0 if !$child; my $name = "/proc/$child/stat"; my $state = "";
                while ($state ne "Z") { open(my $f, "<", $name) or die; $state = (split / /, <$f>)[2] }
                for my $i (1..4) { open(my $f, ">", "file$i"); select(undef, undef, undef, 0.1) }
                waitpid($child, 0); print "end\n";
                """
            #expect(try fixture.perlOutside(script).output == "end\n")
            let report = try await fixture.perl(try TestPolicies.shipped("shell"), script)
            #expect(report.outcome == .exited(code: 0) && report.output == "end\n", "\(report.errorOutput)")
            #expect(report.limitHits == [], "\(report.limitHits)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the receipt says how memory files are handled`() async throws {
        try await SandboxFixture.with { fixture in
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "cwd")
            let detail = try #require(report.entry("seccomp")?.detail)
            #expect(detail.contains(KernelFacts.isRoot && KernelFacts.memfdNoexec != nil ? "vm.memfd_noexec" : "made by the supervisor"))
        }
    }
}
