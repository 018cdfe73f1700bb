import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Every limit makes itself felt, with its name and value in the report. Each act is possible outside.
@Suite(.serialized) struct LimitTests {
    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `memory`(usesCgroups: Bool) async throws {
        try await SandboxFixture.with(usesCgroups: usesCgroups) { fixture in
            #expect(try fixture.outside("eat-memory", "192") == .ok("192"))
            let policy = try TestPolicies.shipped("workspace", limits: [.memory: 64 << 20])
            let report = try await fixture.probe(policy, "eat-memory", "192")
            switch report.outcome {
            case .memoryExceeded(let limit):
                #expect(limit == 64 << 20)
                #expect(report.hit("memory")?.value == "64MiB")
            case .exited(0):
                #expect(report.answer.error == "ENOMEM", "\(report.answer)")
            default: Issue.record("\(report.outcome) \(report.answer)")
            }
            #expect(try await fixture.probe(policy, "eat-memory", "16").answer == .ok("16"))
        }
    }

    /// `hold(COUNT, WAIT)`: so many processes each hold 24 MiB until all of them do, and with WAIT until one of them has ended.
    private static let holdMemory = """
        sub hold {
            my ($count, $waits) = @_;
            pipe(my $ready, my $full); pipe(my $closed, my $open);
            for (1..$count) {
                my $child = fork() // die "fork: $!"; next if $child;
                close $ready; close $open;
                my $memory = ""; vec($memory, 24 << 20, 8) = 1;
                syswrite($full, "x"); close $full; sysread($closed, my $none, 1); exit 0;
            }
            close $full; close $closed;
            my ($held, $killed) = (0, 0);
            $held++ while sysread($ready, my $one, 1);
            if ($waits) { waitpid(-1, 0); $killed++ if $? == 9 }
            close $open;
            while (waitpid(-1, 0) > 0) { $killed++ if $? == 9 }
            print $killed ? "killed" : "held $held";
        }

        """

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `memory of many processes together`(usesCgroups: Bool) async throws {
        try await SandboxFixture.with(usesCgroups: usesCgroups) { fixture in
            #expect(try fixture.perlOutside(Self.holdMemory + "hold(4, 0)").output == "held 4")
            let policy = try TestPolicies.shipped("workspace", limits: [.memory: 64 << 20])
            // One fits, and so do two. Four do not: in a cgroup one of them is killed as it grows, without one the largest when
            // the sum is looked at. Where nobody counts the sum they wait for each other until their time is up.
            for count in 1...2 {
                let few = try await fixture.perl(policy, Self.holdMemory + "hold(\(count), 0)")
                #expect(few.output == "held \(count)", "\(few.outcome) \(few.errorOutput)")
                #expect(few.hit("memory") == nil)
            }
            let bounded = try TestPolicies.shipped("workspace", limits: [.memory: 64 << 20, .wall: 20_000])
            let report = try await fixture.perl(bounded, Self.holdMemory + "hold(4, 1)")
            switch report.outcome {
            case .exited(0): #expect(report.output == "killed")
            case .memoryExceeded(let limit): #expect(limit == 64 << 20)
            default: Issue.record("\(report.outcome) \(report.output) \(report.errorOutput)")
            }
            #expect(report.hit("memory")?.value == "64MiB")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `processes and threads`(usesCgroups: Bool) async throws {
        try await SandboxFixture.with(usesCgroups: usesCgroups) { fixture in
            #expect(try fixture.outside("fork-count", "40") == .ok("40"))
            #expect(try fixture.outside("thread-count", "40") == .ok("40"))
            let policy = try TestPolicies.shipped("workspace", limits: [.pids: 12])
            for action in ["fork-count", "thread-count"] {
                let report = try await fixture.probe(policy, action, "40")
                #expect(report.answer == .errno("EAGAIN", detail: "11"), "\(action): \(report.answer)")
                if report.entry("cgroup")?.state == .enforced { #expect(report.hit("pids")?.value == "12") }
                #expect(try await fixture.probe(policy, action, "8").answer == .ok("8"))
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `size of one file`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.file: 2 << 20])
            #expect(try fixture.outside("eat-disk", fixture.path("outside"), "4") == .ok("4"))
            #expect(try await fixture.probe(policy, "eat-disk", fixture.path("inside"), "4").answer == .errno("EFBIG", detail: "2"))
            #expect(try HostFile.identity(fixture.path("inside")).size == 2 << 20)
            // A tool that does not ignore the signal is ended by it.
            let report = try await fixture.perl(
                policy, "open(my $f, '>', 'big'); binmode $f; syswrite($f, 'x' x (1 << 20)) for 1..4; print 'alive'")
            #expect(report.outcome == .signaled(signal: SIGXFSZ))
            #expect(report.hit("file")?.value == "2MiB")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `open files`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.openFiles: 24])
            let script = """
                my @all; while (open(my $f, '<', '/dev/null')) { push @all, $f; last if @all > 100 }
                print scalar(@all), ' ', @all > 100 ? '' : name();
                """
            #expect(try fixture.perlOutside(script).output == "101 ")
            let count = try #require(try await fixture.perl(policy, script).output.split(separator: " ").first.flatMap { Int($0) })
            #expect(count <= 21)
            #expect(try await fixture.probe(policy, "rlimit", "nofile").answer == .ok("soft=24 hard=24"))
            #expect(try await fixture.probe(policy, "setrlimit", "nofile", "4096").answer.error == "EPERM")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `processor time`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.cpu: 1000])
            let report = try await fixture.probe(policy, "spin", "50")
            #expect(report.outcome == .cpuExceeded(limitMilliseconds: 1000))
            #expect(report.hit("cpu")?.value == "1s")
            #expect(report.usage.cpuMicroseconds > 0)
        }
    }

    /// Four processes that use 0.7 s each, at once or one after the other: those that have ended count too, whether their parent
    /// waits for them or leaves that to the kernel.
    @Test(.timeLimit(.minutes(1)), arguments: ["together", "in turn", "in turn and not waited for"])
    func `processor time of many processes together`(order: String) async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                sub work {
                    my ($count, $turns) = @_;
                    for (1..$count) {
                        my $child = fork() // die "fork: $!";
                        if (!$child) { for (;;) { my ($user, $system) = times; exit 0 if $user + $system >= 0.7 } }
                        waitpid($child, 0) if $turns;
                    }
                    while (waitpid(-1, 0) > 0) {}
                    print "worked $count";
                }

                """
            let all = (order.hasSuffix("not waited for") ? "$SIG{CHLD} = 'IGNORE'; " : "") + "work(4, \(order == "together" ? 0 : 1))"
            #expect(try fixture.perlOutside(script + all).output == "worked 4")
            let policy = try TestPolicies.shipped("workspace", limits: [.cpu: 1000])
            // No process reaches the limit by itself, so it is no limit of one process that ends the run.
            #expect(try await fixture.perl(policy, script + "work(1, 1)").output == "worked 1")
            let report = try await fixture.perl(policy, script + all)
            func expectEnded() {
                #expect(report.outcome == .cpuExceeded(limitMilliseconds: 1000), "\(report.output)")
                #expect(report.hit("cpu")?.value == "1s")
            }
            if order.hasSuffix("not waited for") {
                withKnownIssue("what processes used that nobody waits for is not counted once they have ended") { expectEnded() }
            } else {
                expectEnded()
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `wall-clock time, whatever the tool thinks of signals`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 700])
            for action in [["sleep", "50"], ["ignore-term", "50"], ["stop-self"], ["child", "ignore-term", "50"]] {
                let report = try await fixture.seal(policy, [Products.probe] + action)
                #expect(report.outcome == .timedOut(limitMilliseconds: 700), "\(action): \(report.outcome)")
                #expect(report.hit("wall")?.value == "700ms")
            }
            let polite = try await fixture.perl(
                policy, "$SIG{TERM} = sub { print \"cleaned up\\n\"; exit 3 }; print \"ready\\n\"; sleep 50 while 1;")
            #expect(polite.outcome == .timedOut(limitMilliseconds: 700))
            #expect(polite.output == "ready\ncleaned up\n")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["stdout", "stderr"])
    func `output keeps its head and tail and the cut is counted`(stream: String) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.output: 256 << 10])
            let request = try fixture.request(policy, [Products.probe, "flood-\(stream)", "67108864"], output: .capture(keep: 4096))
            let report = await fixture.supervisor.run(request)
            #expect(report.outcome == .outputLimitExceeded(limit: 256 << 10, stream: stream))
            #expect(report.hit("output")?.value == "256KiB")
            let captured = stream == "stdout" ? report.stdout : report.stderr
            #expect(captured.head.count == 2048)
            #expect(captured.tail.count == 2048)
            #expect(captured.totalBytes > 256 << 10)
            #expect(captured.cutBytes + 4096 == captured.totalBytes)
            // Under the limit nothing is lost, and the two streams have one each.
            let small = try fixture.request(policy, [Products.probe, "flood-\(stream)", "200000"], output: .capture(keep: 4096))
            #expect(await fixture.supervisor.run(small).outcome == .exited(code: 0))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `both streams at once do not stop one another`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.output: 8 << 20])
            let probe = Products.probe
            let report = try await fixture.seal(
                policy, ["/bin/sh", "-c", "'\(probe)' flood-stderr 4000000 >&2; '\(probe)' flood-stdout 4000000; echo end"])
            #expect(report.outcome == .exited(code: 0))
            #expect(report.output.hasSuffix("end\n"))
            #expect(report.stderr.totalBytes >= 4_000_000)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["/tmp", "/dev/shm"])
    func `private file systems have a size`(place: String) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.tmp: 2 << 20])
            let report = try await fixture.probe(policy, "eat-disk", place + "/fill", "4")
            #expect(report.answer.error == "ENOSPC", "\(report.answer)")
            #expect(try await fixture.probe(policy, "eat-disk", place + "/fill", "1").answer == .ok("1"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `names created`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.created: 5])
            try fixture.directory("many")
            let report = try await fixture.probe(policy, "eat-files", fixture.path("many"), "10")
            #expect(report.answer == .errno("EDQUOT", detail: "5"))
            #expect(report.hit("created")?.value == "5")
            #expect(report.violations.contains { $0.layer == "created-limit" && $0.allowedBy?.contains("created") == true })
            #expect(try HostFile.names(fixture.path("many")).count == 5)
            #expect(report.usage.createdFiles == 5)
            // Also in the private /tmp, and of every kind.
            let kinds = try await fixture.perl(
                policy, "chdir '/tmp'; mkdir \"d$_\" for 1..4; symlink 'x', \"s$_\" for 1..4; print scalar(() = glob 'd? s?');")
            #expect(kinds.output == "5")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `bytes written to disk`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.disk: 4 << 20, .file: 16 << 20])
            // After the limit no new file can be made, not even the first one.
            let script = """
                open(my $f, '>', 'first') or die; syswrite($f, 'x' x (1 << 20)) for 1..8; close $f;
                open(my $g, '>', 'second') or do { print name(); exit 0 };
                print 'never refused';
                """
            let report = try await fixture.perl(policy, script)
            let type = try fixture.outside("statfs", fixture.workspace).value("type")
            if type == "1021994" { // on tmpfs nothing is written to a disk
                #expect(report.output == "never refused")
            } else {
                #expect(report.output == "EDQUOT", "\(report.outcome) \(report.usage)")
                #expect(report.hit("disk")?.value == "4MiB")
                #expect(report.usage.diskBytes >= 4 << 20)
            }
        }
    }

    /// What a process has written goes to the parent that waits for it. Where the kernel is told that nobody will, it goes nowhere.
    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `bytes written to disk by processes that have ended`(isWaitedFor: Bool) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.disk: 4 << 20, .file: 16 << 20])
            // Each writes to the disk and ends; new files are refused from the limit on.
            let script = """
                use IO::Handle; \(isWaitedFor ? "" : "$SIG{CHLD} = 'IGNORE';")
                for my $i (1..8) {
                    my $child = fork() // die "fork: $!";
                    if (!$child) {
                        open(my $f, '>', "file$i") or exit 1; syswrite($f, 'x' x (1 << 20)) for 1..4; $f->sync; exit 0;
                    }
                    waitpid($child, 0);
                }
                open(my $g, '>', 'last') or do { print name(); exit 0 };
                print 'never refused';
                """
            #expect(try fixture.perlOutside(script).output == "never refused")
            for name in try HostFile.names(fixture.workspace) { unlink(fixture.path(name)) }
            let report = try await fixture.perl(policy, script)
            guard try fixture.outside("statfs", fixture.workspace).value("type") != "1021994" else { return } // a tmpfs: no disk
            func expectRefused() {
                #expect(report.output == "EDQUOT", "\(report.outcome) \(report.usage)")
                #expect(report.usage.diskBytes < 8 << 20)
                #expect(report.hit("disk")?.value == "4MiB")
            }
            if isWaitedFor {
                expectRefused()
            } else {
                withKnownIssue("what processes wrote that nobody waits for is not counted once they have ended") { expectRefused() }
            }
        }
    }

    /// Nor does it show the account of one whose first thread has ended, in that thread's place: the others have it too.
    @Test(.timeLimit(.minutes(1))) func `a process goes on without its first thread, and what it writes counts`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell", limits: [.disk: 4 << 20, .file: 16 << 20])
            // Long enough for several looks at what it uses.
            let script = """
                use threads; use Time::HiRes qw(time);
                threads->create(sub {
                    my $state;
                    do { open(my $f, '<', "/proc/$$/stat") or do { print name(); syscall(231, 1) }; $state = <$f> } until $state =~ /\\) Z /;
                    my $end = time + 0.4; 1 while time < $end;
                    open(my $f, '>', 'first') or do { print name(); syscall(231, 1) }; syswrite($f, 'x' x (1 << 20)) for 1..8; close $f;
                    my $said = open(my $g, '>', 'second') ? 'never refused' : name();
                    syswrite(STDOUT, $said); syscall(231, 0);
                });
                syscall(60, 0);
                """
            #expect(try fixture.perlOutside(script).output == "never refused")
            for name in try HostFile.names(fixture.workspace) { unlink(fixture.path(name)) }
            let report = try await fixture.perl(policy, script)
            let type = try fixture.outside("statfs", fixture.workspace).value("type")
            #expect(report.output == (type == "1021994" ? "never refused" : "EDQUOT"), "\(report.outcome) \(report.usage)")
            #expect(report.outcome == .exited(code: 0))
        }
    }

    /// The kernel hides the account of a process that has ended until it is waited for. That must not stop its siblings.
    @Test(.timeLimit(.minutes(1))) func `a child that nobody has waited for yet keeps nobody from making files`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("shell", limits: [.disk: 64 << 20])
            let script = """
                my $child = fork() // die "fork: $!";
                if (!$child) { open(my $f, '>', 'child'); print $f 'x' x 100000; exit 0 }
                while (1) { open(my $s, '<', "/proc/$child/stat") or die name(); last if <$s> =~ /\\) Z / }
                for my $i (1..300) { open(my $g, '>', "file$i") or do { print name(); exit 0 }; print $g 'y'; close $g }
                print 'made all';
                """
            #expect(try fixture.perlOutside(script).output == "made all")
            for name in try HostFile.names(fixture.workspace) { unlink(fixture.path(name)) }
            let report = try await fixture.perl(policy, script)
            #expect(report.output == "made all", "\(report.outcome) \(report.violations)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `lower hard limits of the host stay and are reported`() async throws {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 128, rlim_max: 128)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            try await SandboxFixture.with("clamped") { fixture in
                let report = try await fixture.probe(try TestPolicies.shipped("workspace", limits: [.openFiles: 256]), "rlimit", "nofile")
                #expect(report.answer == .ok("soft=128 hard=128"), "\(report.answer)")
                let entry = report.entry("limits")
                #expect(entry?.state == .partial, "\(report.receipt)")
                #expect(entry?.detail.contains("open_files 128 instead of 256") == true, "\(report.receipt)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `no core file, no crash unnoticed`() async throws {
        try await SandboxFixture.with { fixture in
            let report = try await fixture.probe(try TestPolicies.shipped("workspace"), "segv")
            #expect(report.outcome == .signaled(signal: SIGSEGV))
            #expect(try HostFile.names(fixture.workspace) == [])
            #expect(try await fixture.probe(try TestPolicies.shipped("workspace"), "rlimit", "core").answer == .ok("soft=0 hard=0"))
        }
    }
}
