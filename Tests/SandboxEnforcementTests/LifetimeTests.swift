import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Nothing outlives its call, whoever dies first.
@Suite(.serialized) struct LifetimeTests {
    private static let script = "echo ready; (trap '' TERM HUP INT; sleep 50) & sleep 50 & wait"

    @Test(.timeLimit(.minutes(1))) func `a daemon is dead when the run returns`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            // Its own session, no descriptor, another parent: found below the sandbox's init while the tool still waits.
            let script = """
                perl -MPOSIX -e 'if (!fork()) { POSIX::setsid(); exit 0 if fork(); open(STDIN, "<", "/dev/null");
                open(STDOUT, ">", "/dev/null");
                    open(STDERR, ">", "/dev/null"); open(my $m, ">", "up"); close $m; sleep 50; open($m, ">", "outlived"); exit 0 }'
                while [ ! -e up ]; do :; done
                echo ready; while [ ! -e go ]; do :; done
                """
            let (daemons, report) = try await fixture.whileRunning(policy, script: script) { tool in
                let tree = try tool.tree
                let daemons = tree.filter { $0.pid != tool.initProcess.pid && $0.pid != tool.tool.pid && $0.parent == tool.initProcess.pid }
                try fixture.file("go")
                return daemons
            }
            #expect(report.outcome == .exited(code: 0))
            #expect(daemons.count == 1, "the daemon was there: \(daemons)")
            for daemon in daemons { #expect(try ProcessTable.entry(daemon.pid)?.startTime != daemon.startTime, "gone, not only dying") }
            #expect(!HostFile.exists(fixture.path("outlived")))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a child that keeps stdout open does not delay the return`() async throws {
        try await SandboxFixture.with { fixture in
            // The child would hold the pipe for fifty seconds, and the limit is far above the time limit of a call.
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 600_000])
            let report = try await fixture.probe(policy, "hold-stdout", "50")
            #expect(report.answer == .ok("held"))
            #expect(report.outcome == .exited(code: 0))
            let shell = try await fixture.seal(policy, ["/bin/sh", "-c", "sleep 50 & echo done"])
            #expect(shell.output == "done\n")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `orphans are reaped while the tool runs`(usesCgroups: Bool) async throws {
        try await SandboxFixture.with(usesCgroups: usesCgroups) { fixture in
            // A process that nobody waits for takes its place as long as it is a zombie: children of the tool's own fill the limit.
            // Of orphans ten times as many as there are places can come and go, because the init waits for them. A place may
            // take a moment to become free, so a refused fork is tried again; without reaping that goes on until the time is up.
            let script = """
                my $own = 0;
                while (1) { my $child = fork() // last; exit 0 if !$child; last if ++$own > 200 }
                print $own, " ", $own > 200 ? "all" : name(), "\\n";
                while (waitpid(-1, 0) > 0) {}
                sub retried { while (1) { my $child = fork(); return $child if defined $child; die "fork: $!" if !$!{EAGAIN} } }
                for (1..300) {
                    my $child = retried();
                    if (!$child) { retried(); exit 0 }
                    waitpid($child, 0);
                }
                print "made\\n";
                """
            #expect(try fixture.perlOutside(script).output == "201 all\nmade\n")
            let policy = try TestPolicies.shipped("workspace", limits: [.pids: 30, .wall: 20_000])
            let report = try await fixture.perl(policy, script)
            #expect(report.outcome == .exited(code: 0))
            #expect(report.output == "29 EAGAIN\nmade\n")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `cancelling kills the tree`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let (tree, report) = try await fixture.whileRunning(policy, script: Self.script) { tool in
                defer { tool.cancellation.cancel() }
                return try tool.tree
            }
            #expect(report.outcome == .cancelled)
            #expect(tree.count >= 3)
            for process in tree { #expect(try ProcessTable.entry(process.pid)?.startTime != process.startTime) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `cancelling the task kills the tree, also before it began`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let request = try fixture.request(policy, [Products.probe, "sleep", "50"])
            let started = Task { [supervisor = fixture.supervisor] in await supervisor.run(request) }
            started.cancel()
            #expect(await started.value.outcome == .cancelled)
            let second = try BackgroundRun(fixture.supervisor, request)
            second.cancellation.cancel()
            second.cancellation.cancel()
            #expect(await second.report().outcome == .cancelled)
            #expect(try await fixture.probe(policy, "exit", "3").outcome == .exited(code: 3))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a killed launcher takes its runs along and the next run works`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let (tree, report) = try await fixture.whileRunning(policy, script: Self.script) { tool in
                let tree = try tool.tree
                let launcher = try ProcessHandle(pid: tool.launcher.pid)
                try launcher.kill(SIGKILL)
                return tree
            }
            #expect(report.outcome == .launcherDied)
            #expect(tree.count >= 3)
            for process in tree { #expect(try ProcessTable.hasEnded(process), "\(process)") }
            #expect(try await fixture.probe(policy, "exit", "3").outcome == .exited(code: 3))
            #expect(try await fixture.probe(policy, "exit", "4").outcome == .exited(code: 4))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a killed init is no success`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let (tree, report) = try await fixture.whileRunning(policy, script: Self.script) { tool in
                let tree = try tool.tree
                let first = try ProcessHandle(pid: tool.initProcess.pid)
                try first.kill(SIGKILL)
                return tree
            }
            if case .exited = report.outcome { Issue.record("\(report.outcome)") }
            for process in tree { #expect(try ProcessTable.hasEnded(process), "\(process)") }
        }
    }

    /// A supervisor that is killed leaves no process behind: not the launcher, not one of the tools of its runs.
    @Test(.timeLimit(.minutes(1))) func `a killed supervisor takes everything along`() async throws {
        let scratch = try ScratchDirectory("supervisor")
        defer { scratch.remove() }
        let list = scratch.path + "/processes"
        await #expect(processExitsWith: .signal(SIGKILL)) { [list = list as String] in
            let first = try SandboxFixture("killed")
            let second = try SandboxFixture("killed")
            let policy = try TestPolicies.shipped("workspace")
            _ = try await first.whileRunning(policy, script: LifetimeTests.script) { one in
                _ = try await second.whileRunning(policy, script: LifetimeTests.script) { two in
                    let all = try [one, two].flatMap { try ProcessTable.tree(of: $0.launcher.pid) }
                    // Nothing will clean up after a killed process.
                    first.scratch.remove()
                    second.scratch.remove()
                    try HostFile.write(list, all.map { "\($0.pid) \($0.startTime)" }.joined(separator: "\n"))
                    kill(getpid(), SIGKILL)
                }
            }
        }
        let entries = try HostFile.text(list).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(entries.count >= 8, "two launchers, each with an init, a shell and its children")
        for fields in entries {
            let pid = try #require(Int32(fields[0]))
            let start = try #require(UInt64(fields[1]))
            #expect(try ProcessTable.hasEnded(pid, startTime: start), "\(pid)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `twenty at once`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let requests = try (0..<20).map { try fixture.request(policy, [Products.probe, "create", fixture.path("f\($0)"), "\($0)"]) }
            let reports = await withTaskGroup(of: RunReport.self) { group in
                for request in requests { group.addTask { [supervisor = fixture.supervisor] in await supervisor.run(request) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(reports.count == 20)
            for report in reports { #expect(report.answer.isOK, "\(report.outcome) \(report.answer)") }
            for number in 0..<20 { #expect(try HostFile.text(fixture.path("f\(number)")) == "\(number)") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `one supervisor tells its runs apart`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let requests = try (0..<12).map { try fixture.request(policy, [Products.probe, "exit", "\($0)"]) }
            let codes = await withTaskGroup(of: (Int, RunOutcome).self) { group in
                for (index, request) in requests.enumerated() {
                    group.addTask { [supervisor = fixture.supervisor] in (index, await supervisor.run(request).outcome) }
                }
                return await group.reduce(into: [Int: RunOutcome]()) { $0[$1.0] = $1.1 }
            }
            for index in 0..<12 { #expect(codes[index] == .exited(code: Int32(index))) }
        }
    }

    /// Input of the tool never blocks the supervisor, and a reader that has gone never kills it.
    @Test(.timeLimit(.minutes(1))) func `standard input is fed without waiting`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 20_000])
            let megabyte = [UInt8](repeating: 0x61, count: 1 << 20)
            let all = try await fixture.seal(policy, [Products.probe, "stdin"], input: .bytes(megabyte))
            #expect(all.answer.detail?.hasPrefix("1048576 aaaa") == true)
            #expect(try await fixture.seal(policy, [Products.probe, "exit", "0"], input: .bytes(megabyte)).outcome == .exited(code: 0))
            let closed = try await fixture.seal(policy, ["/bin/sh", "-c", "exec 0<&-; echo still here"], input: .bytes(megabyte))
            #expect(closed.output == "still here\n")
            #expect(try await fixture.seal(policy, [Products.probe, "stdin"]).answer == .ok("0"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `closed output is not the end`() async throws {
        try await SandboxFixture.with { fixture in
            let report = try await fixture.seal(
                try TestPolicies.shipped("workspace"), ["/bin/sh", "-c", "exec 0<&- 1>&- 2>&-; echo x > marker; exit 5"])
            #expect(report.outcome == .exited(code: 5))
            #expect(HostFile.exists(fixture.path("marker")))
        }
    }

    /// Between SIGTERM and SIGKILL a tool may still do what its policy lets it do.
    @Test(.timeLimit(.minutes(1))) func `a tool that cleans up may make files`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 500])
            let report = try await fixture.seal(
                policy, ["/bin/sh", "-c", "trap 'echo x > cleaned; exit 0' TERM; while :; do sleep 0.02; done"])
            #expect(report.outcome == .timedOut(limitMilliseconds: 500))
            #expect(try HostFile.names(fixture.workspace) == ["cleaned"])
        }
    }
}
