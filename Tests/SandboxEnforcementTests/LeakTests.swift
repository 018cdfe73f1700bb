import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// What runs leave in their supervisor and on the machine: nothing. Each count is taken in a process of its own.
@Suite(.serialized) struct LeakTests {
    private struct Unexpected: Error { var text: String }

    @Test(.timeLimit(.minutes(1))) func `the counter sees a leak of each kind`() async throws {
        await #expect(processExitsWith: .success) {
            let before = try LeakCount.now()
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            let withDescriptor = try LeakCount.now()
            #expect(withDescriptor.descriptors == before.descriptors + 1, "\(before); \(withDescriptor)")
            close(descriptor)

            let lease = try HostIdentityLease()
            let withIdentity = try LeakCount.now()
            #expect(withIdentity.identities == before.identities + 1, "\(before); \(withIdentity)")
            lease.release()

            let child = try BareProcess.spawn(["/bin/sleep", "1000"], output: 1, error: 2)
            let withChild = try LeakCount.now()
            #expect(withChild.running == before.running + 1, "\(before); \(withChild)")
            let started = try #require(try ProcessTable.entry(child))
            kill(child, SIGKILL)
            #expect(try ProcessTable.hasEnded(started))
            let withZombie = try LeakCount.now()
            #expect(withZombie.running == before.running, "\(before); \(withZombie)")
            #expect(withZombie.zombies == before.zombies + 1, "\(before); \(withZombie)")
            try BareProcess.end(child)

            if let pool = try? ControlGroupPool() {
                let withGroup = try LeakCount.now()
                #expect(withGroup.cgroups > before.cgroups, "\(before); \(withGroup)")
                try Self.expectStrayIsSeen(pool, before)
                pool.shutDown()
            }
            if KernelFacts.isRoot {
                // In a namespace of its own: what waits for its call is given up when the host's mounts change, in every other test too.
                let place = try ScratchDirectory("mount")
                let script = "mount -t tmpfs none '\(place.path)' && cat /proc/self/mountinfo"
                let withMount = try BareProcess.run(["/usr/bin/unshare", "-m", "sh", "-c", script])
                place.remove()
                #expect(LeakCount.mounts(in: withMount.output) == before.mounts + 1, "\(before); \(withMount)")
            }
            let after = try LeakCount.now()
            #expect(after == before, "\(before); \(after)")
        }
    }

    /// A process in one of our cgroups that is no longer below us: its parent has ended.
    private static func expectStrayIsSeen(_ pool: ControlGroupPool, _ before: LeakCount) throws {
        let lease = try pool.lease(memoryBytes: 64 << 20, pids: 8)
        let scratch = try ScratchDirectory("stray")
        let shell = try BareProcess.spawn(
            ["/bin/sh", "-c", "sleep 1000 & echo $! >number"], workingDirectory: scratch.path, output: 1, error: 2)
        // Not `end`: that would take the child along.
        var status: Int32 = 0
        while waitpid(shell, &status, 0) < 0 && errno == EINTR {}
        let number = try HostFile.text(scratch.path + "/number").prefix { $0 != "\n" }
        let stray = try ProcessHandle(pid: try #require(Int32(number)))
        defer { _ = try? stray.kill(SIGKILL) }
        let unseen = try LeakCount.now()
        #expect(unseen.running == before.running, "\(before); \(unseen)")
        for descriptor in lease.descriptors {
            if lease.isUnified {
                try SmallFile.write(String(number), to: "cgroup.procs", in: descriptor)
            } else {
                try Transfer.writeAll(descriptor, Array(number.utf8))
            }
        }
        let seen = try LeakCount.now()
        #expect(seen.running == before.running + 1, "\(before); \(seen)")
        lease.release()
    }

    @Test(.timeLimit(.minutes(2))) func `nothing is left after a hundred runs of every kind`() async throws {
        await #expect(processExitsWith: .success) {
            let start = try LeakCount.now()
            try await SandboxFixture.with("leaks") { fixture in
                let plain = try TestPolicies.shipped("workspace")
                let short = try TestPolicies.shipped("workspace", limits: [.wall: 60])
                let small = try TestPolicies.shipped("workspace", limits: [.output: 4096, .memory: 48 << 20])
                let probe = Products.probe
                let kinds: [(policy: ResolvedPolicy, arguments: [String])] = [
                    (plain, [probe, "exit", "0"]), (plain, [probe, "exit", "9"]), (plain, [probe, "segv"]), (plain, [probe, "int80"]),
                    (plain, ["/nonexistent"]), (plain, [probe, "create", fixture.path("file")]),
                    (plain, [probe, "create", fixture.path(".env")]),
                    (plain, [probe, "flood-violations", "50"]), (plain, [probe, "daemon", fixture.path("outlived")]),
                    (plain, [probe, "hold-stdout", "50"]), (short, [probe, "sleep", "50"]), (short, [probe, "ignore-term", "50"]),
                    (small, [probe, "flood-stdout", "1000000"]), (small, [probe, "eat-memory", "128"]),
                    (plain, [probe, "fork-count", "20"]),
                ]
                func round(_ count: Int) async throws {
                    for number in 0..<count {
                        let kind = kinds[number % kinds.count]
                        let report = try await fixture.seal(kind.policy, kind.arguments)
                        if case .setupFailed = report.outcome { throw Unexpected(text: "\(kind.arguments): \(report.outcome)") }
                        if number % 10 == 0 {
                            let request = try fixture.request(plain, [probe, "sleep", "50"])
                            let task = Task { [supervisor = fixture.supervisor] in await supervisor.run(request) }
                            task.cancel()
                            let outcome = await task.value.outcome
                            #expect(outcome == .cancelled, "\(outcome)")
                        }
                    }
                }
                // Once through, so that what is kept on purpose (launcher, plans, idle cgroups) is there.
                try await round(kinds.count)
                let before = try LeakCount.now()
                try await round(100)
                let after = try LeakCount.now()
                #expect(after == before, "before: \(before); after: \(after)")
            }
            let end = try LeakCount.now()
            #expect(end == start, "start: \(start); end: \(end)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a failed set-up leaves nothing either`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("failed") { fixture in
                let policy = try TestPolicies.shipped("workspace")
                let missing = try TestPolicies.inline(["allow: \"filesystem:host:\(fixture.scratch.path)/absent\", rights: [read]"])
                func round() async throws {
                    let lost = try await fixture.seal(missing, [Products.probe, "exit", "0"])
                    guard case .setupFailed(_, _, let message) = lost.outcome else { throw Unexpected(text: "\(lost.outcome)") }
                    #expect(message.contains("absent"))
                    let nul = try await fixture.seal(policy, [Products.probe, "a\0b"])
                    guard case .setupFailed = nul.outcome else { throw Unexpected(text: "\(nul.outcome)") }
                    let elsewhere = try await fixture.seal(policy, [Products.probe, "exit", "0"], workingDirectory: "/nonexistent")
                    guard case .setupFailed = elsewhere.outcome else { throw Unexpected(text: "\(elsewhere.outcome)") }
                }
                // The second launch starts what the launcher keeps for tidying up. A call that a waiting program could not take has two
                // sandboxes for a moment, whose cgroups are kept for the next one.
                for _ in 0..<2 { _ = try await fixture.probe(policy, "exit", "0") }
                try await round()
                let before = try LeakCount.now()
                for _ in 0..<20 { try await round() }
                let after = try LeakCount.now()
                #expect(after == before, "before: \(before); after: \(after)")
                let next = try await fixture.probe(policy, "exit", "0").outcome
                #expect(next == .exited(code: 0), "\(next)")
            }
        }
    }
}
