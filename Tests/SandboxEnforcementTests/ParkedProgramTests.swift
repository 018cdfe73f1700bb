import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Programs that were started before their call: each serves one, in a sandbox that is what a cold launch would have built, and one
/// that does not behave costs its call nothing but time.
@Suite(.serialized) struct ParkedProgramTests {
    private func supervisor(_ change: (inout SandboxPoolSettings) -> Void = { _ in }) throws -> SandboxSupervisor {
        var settings = SandboxPoolSettings()
        (settings.perKind, settings.callsBefore) = (1, .max)
        change(&settings)
        return try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
    }

    private func request(
        _ fixture: SandboxFixture, _ action: [String], program: ParkableProgram = ParkedProbe.program(),
        policy: String = "workspace", limits: [LimitName: UInt64] = [:], environment: [String: String] = [:],
        input: RunRequest.Input = .none
    ) throws -> RunRequest {
        var request = try fixture.request(
            try TestPolicies.shipped(policy, limits: limits), [Products.probe] + action, environment: environment, input: input)
        request.parkable = program
        return request
    }

    @Test(.timeLimit(.minutes(1))) func `a call is served by the program that waits, and without one launches cold`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            for action in [["exit", "3"], ["cwd"], ["environ"], ["fds"], ["ids"], ["caps"], ["signals"], ["rlimit", "nofile"], ["pids"]] {
                let request = try request(fixture, action, environment: ["X": "y"])
                #expect(try supervisor.prepare(for: request))
                #expect(supervisor.preparedCount == 1)
                let parked = supervisor.run(request)
                #expect(parked.launch == .parked, "\(action)")
                #expect(supervisor.preparedCount == 0)
                let cold = supervisor.run(request)
                #expect(cold.launch != .parked)
                #expect(parked.outcome == cold.outcome, "\(action)")
                #expect(parked.stdout == cold.stdout, "\(action): \(parked.output); \(cold.output)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["workspace", "shell", "build"])
    func `its receipt is that of a cold launch`(policy: String) async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try request(fixture, ["fds"], policy: policy)
            #expect(supervisor.run(request).launch == .cold)
            let cold = supervisor.run(request)
            #expect(try supervisor.prepare(for: request))
            let parked = supervisor.run(request)
            #expect(parked.launch == .parked)
            for (one, other) in zip(cold.receipt, parked.receipt) where one.layer != Protection.userNamespace.rawValue {
                #expect(one == other)
            }
            #expect(cold.receipt.count == parked.receipt.count)
            #expect(parked.stages.map(\.name) == ["prepare", "run", "teardown"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `its standard input is the call's`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try request(fixture, ["stdin"], input: .bytes(Array("canary-input".utf8)))
            #expect(try supervisor.prepare(for: request))
            let parked = supervisor.run(request)
            #expect(parked.launch == .parked)
            #expect(parked.output.contains("canary-input"), "\(parked.output)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `nothing of one call is there for the next`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor { $0.perKind = 2 }
            defer { supervisor.shutDown() }
            let leaving = try request(fixture, ["create", "/tmp/left", "canary-file"], environment: ["SECRET": "canary-environment"])
            // Both stand before the first call.
            #expect(try supervisor.prepare(for: leaving))
            #expect(supervisor.preparedCount == 2)
            let one = supervisor.run(leaving)
            #expect(one.launch == .parked)
            #expect(one.answer.isOK)
            for action in [["list", "/tmp"], ["environ"], ["fds"], ["pids"], ["proc-visible"], ["namespaces"]] {
                let looking = try request(fixture, action)
                if supervisor.preparedCount == 0 { #expect(try supervisor.prepare(for: looking)) }
                let next = supervisor.run(looking)
                #expect(next.launch == .parked)
                #expect(!next.output.contains("canary") && !next.output.contains("left"), "\(action): \(next.output)")
                if action == ["namespaces"] { continue }
                var own = looking
                own.parkable = nil
                let fresh = supervisor.run(own)
                #expect(fresh.launch != .parked)
                #expect(next.stdout == fresh.stdout, "\(action): \(next.output); \(fresh.output)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `one that is another kind is not used`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let fitting = try request(fixture, ["fds"])
            #expect(try supervisor.prepare(for: fitting))
            var others = [
                try request(fixture, ["fds"], policy: "shell"), try request(fixture, ["fds"], limits: [.openFiles: 77]),
                try request(fixture, ["fds"], limits: [.memory: 64 << 20]),
                try request(fixture, ["fds"], program: ParkedProbe.program("park", "dies")),
            ]
            others.append(fitting)
            others[4].parkable?.environment["MORE"] = "1"
            others.append(fitting)
            others[5].parkable = nil
            for other in others { #expect(supervisor.run(other).launch != .parked) }
            #expect(supervisor.preparedCount == 1)
            #expect(supervisor.run(fitting).launch == .parked)
        }
    }

    // MARK: - Programs that do not behave

    @Test(.timeLimit(.minutes(1)), arguments: [["park-garbage"], ["park-never"], ["exit", "0"], ["segv"]])
    func `one that does not get ready is not used`(action: [String]) async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor { $0.readyMilliseconds = 300 }
            defer { supervisor.shutDown() }
            var request = try request(fixture, ["fds"])
            request.parkable?.arguments = [Products.probe] + action
            #expect(try !supervisor.prepare(for: request))
            #expect(supervisor.preparedCount == 0)
            let report = supervisor.run(request)
            #expect(report.launch != .parked)
            #expect(report.answer == .ok("0 1 2"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `one that left meanwhile is not used`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try request(fixture, ["fds"], program: ParkedProbe.program("park-leaves"))
            _ = try supervisor.prepare(for: request)
            let report = supervisor.run(request)
            #expect(report.answer == .ok("0 1 2"))
        }
    }

    /// The START was on its way, and what was to be read from standard input is still there.
    @Test(.timeLimit(.minutes(1))) func `one that dies with its START in hand leaves the call to a cold launch`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try request(
                fixture, ["stdin"], program: ParkedProbe.program("park", "dies"), input: .bytes(Array("canary-input".utf8)))
            #expect(try supervisor.prepare(for: request))
            #expect(supervisor.preparedCount == 1)
            let report = supervisor.run(request)
            #expect(report.launch != .parked)
            #expect(report.outcome == .exited(code: 0))
            #expect(report.output.contains("canary-input"), "\(report.output)")
            #expect(supervisor.preparedCount == 0)
        }
    }

    /// Something of the call may have run: nobody does it twice.
    @Test(.timeLimit(.minutes(1))) func `one that dies in its call is the call's end`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let request = try request(fixture, ["fds"], program: ParkedProbe.program("park", "dies-later"))
            #expect(try supervisor.prepare(for: request))
            let report = supervisor.run(request)
            #expect(report.launch == .parked)
            #expect(report.outcome == .signaled(signal: SIGKILL))
            // Nor does one of a program that does not say when it begins.
            var silent = request
            silent.parkable = ParkedProbe.program("park", "dies", saysStarted: false)
            #expect(try supervisor.prepare(for: silent))
            let other = supervisor.run(silent)
            #expect(other.launch == .parked)
            #expect(other.outcome == .exited(code: 70))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `one that is killed while it waits is not used`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("killed") { fixture in
                var settings = SandboxPoolSettings()
                (settings.perKind, settings.callsBefore) = (1, .max)
                let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                defer { supervisor.shutDown() }
                var request = try fixture.request(try TestPolicies.shipped("workspace"), [Products.probe, "fds"])
                request.parkable = ParkedProbe.program()
                #expect(try supervisor.prepare(for: request))
                #expect(supervisor.preparedCount == 1)
                let launcher = try #require(try ProcessTable.children(of: getpid()).first)
                var killed = 0
                for sandbox in try ProcessTable.children(of: launcher.pid) {
                    for program in try ProcessTable.children(of: sandbox.pid) {
                        let handle = try ProcessHandle(pid: program.pid)
                        #expect(kill(program.pid, SIGKILL) == 0)
                        #expect(try Polling.wait(handle.rawValue, for: .readable, deadline: nil))
                        killed += 1
                    }
                }
                #expect(killed == 1)
                let report = supervisor.run(request)
                #expect(report.launch != .parked)
                #expect(report.answer == .ok("0 1 2"))
            }
        }
    }

    // MARK: - Calls

    @Test(.timeLimit(.minutes(1))) func `a call with more words than a START takes launches cold`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let small = try request(fixture, ["fds"])
            #expect(try supervisor.prepare(for: small))
            let large = try request(fixture, ["fds"], environment: ["LONG": String(repeating: "x", count: 100 << 10)])
            let report = supervisor.run(large)
            #expect(report.launch != .parked)
            #expect(report.answer == .ok("0 1 2"))
            #expect(supervisor.preparedCount == 1)
            // As large as one may be.
            let most = try request(fixture, ["fds"], environment: ["LONG": String(repeating: "x", count: 96_000)])
            #expect(supervisor.run(most).launch == .parked)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a call is cancelled and timed out as any other`() async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let sleeping = try request(fixture, ["sleep", "50"])
            #expect(try supervisor.prepare(for: sleeping))
            let cancellation = try RunCancellation()
            cancellation.cancel()
            let cancelled = supervisor.run(sleeping, cancellation: cancellation)
            #expect(cancelled.launch == .parked)
            #expect(cancelled.outcome == .cancelled)
            let late = try request(fixture, ["sleep", "50"], limits: [.wall: 200])
            #expect(try supervisor.prepare(for: late))
            let timedOut = supervisor.run(late)
            #expect(timedOut.launch == .parked)
            #expect(timedOut.outcome == .timedOut(limitMilliseconds: 200))
            let spinning = try request(fixture, ["spin", "50"], limits: [.cpu: 1000])
            #expect(try supervisor.prepare(for: spinning))
            let used = supervisor.run(spinning)
            #expect(used.launch == .parked)
            #expect(used.outcome == .cpuExceeded(limitMilliseconds: 1000))
        }
    }

    /// In a process of its own, where every child is of this test.
    @Test(.timeLimit(.minutes(1))) func `those that wait end with their supervisor, and leave nothing`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("wait") { fixture in
                var request = try fixture.request(try TestPolicies.shipped("workspace"), [Products.probe, "fds"])
                request.parkable = ParkedProbe.program()
                let before = try LeakCount.now()
                for _ in 0..<5 {
                    var settings = SandboxPoolSettings()
                    settings.callsBefore = 1
                    let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, pool: settings)
                    #expect(try supervisor.prepare(for: request))
                    #expect(supervisor.run(request).launch == .parked)
                    supervisor.shutDown()
                    #expect(try ProcessTable.children(of: getpid()).isEmpty)
                }
                let after = try LeakCount.now()
                #expect(after == before, "\(before); \(after)")
            }
        }
    }

    // MARK: - The seal of the built-in worker

    /// Each act is possible for the same program without the seal, in the same sandbox.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ["read", "/proc/self/status"], ["stat", "/tmp"], ["create", "/tmp/new"], ["cwd"], ["fds"], ["ids"], ["pids"],
            ["socketpair", "1"], ["fork-count", "1"], ["thread-count", "1"], ["sleep", "0"], ["rlimit", "nofile"],
            ["prctl", "15"], ["exec", "/bin/true"], ["unlink", "/tmp/none"], ["mkdir", "/tmp/new"], ["link", "/tmp/a", "/tmp/b"],
            ["memfd-flags"], ["signal-parent", "0"], ["stdin"],
        ])
    func `a sealed program can get nothing but what it holds`(action: [String]) async throws {
        try await SandboxFixture.with { fixture in
            let supervisor = try supervisor()
            defer { supervisor.shutDown() }
            let open = try request(fixture, action)
            #expect(try supervisor.prepare(for: open))
            let outside = supervisor.run(open)
            #expect(outside.launch == .parked)
            #expect(outside.outcome == .exited(code: 0), "\(outside.outcome) \(outside.output)")
            let sealed = try request(fixture, action, program: ParkedProbe.program("park", "sealed"))
            #expect(try supervisor.prepare(for: sealed))
            let report = supervisor.run(sealed)
            #expect(report.launch == .parked)
            // Reading what it was handed is what it is for.
            if action == ["stdin"] {
                #expect(report.outcome == .exited(code: 0), "\(report.outcome)")
            } else {
                #expect(report.outcome.kind == "violation", "\(action): \(report.outcome) \(report.output)")
            }
        }
    }
}
