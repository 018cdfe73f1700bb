internal import CapabilityBroker
internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import ToolBroker

/// What ends a session. Nobody waits for the next call to find out: the worker dies when it happens.
@Suite struct SessionEndTests {
    private static let need = "filesystem:workspace:* read"

    @Test(.timeLimit(.minutes(1))) func `revoked authority ends it between two calls`() async throws {
        try await SessionFixture.with(needs: [Self.need]) { (fixture) async throws in
            let record = try await fixture.base.grant("filesystem:workspace:*", [.read])
            #expect(try await fixture.count() == 1)
            try await fixture.change { transaction throws(LibOSError) in
                var record = record
                record.status = .revoked
                try transaction.update(record)
            }
            await fixture.settled()
            #expect(try await fixture.ends() == ["authority"])
            #expect(try await fixture.call().decision == .deny)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a deny takes away is not there for the next call`() async throws {
        let script = "my $got = open(my $f, '<', 'a') ? 1 : 0; result($count * 10 + $got);"
        try await SessionFixture.with(script, needs: [Self.need]) { (fixture) async throws in
            try fixture.base.sandbox.file("a", "A")
            try await fixture.base.grant("filesystem:workspace:*", [.read])
            #expect(try await fixture.count() == 11)
            // Nobody is told of it: the next call sees it all the same.
            try await fixture.base.grant("filesystem:workspace:a", [.read], effect: .deny)
            #expect(try await fixture.count() == 10, "a fresh worker, and the file is not there for it")
            await fixture.broker.endSessions()
            #expect(try await fixture.ends().first == "authority")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `an expired capability ends it`() async throws {
        try await SessionFixture.with(needs: [Self.need]) { (fixture) async throws in
            let (capabilities, process) = (fixture.base.capabilities, fixture.base.process)
            let resource = try Resource.parse("filesystem:workspace:*")
            try await fixture.change { transaction throws(LibOSError) in
                let end = Timestamp(microseconds: transaction.now.microseconds + 8_000_000)
                try capabilities.grant(
                    CapabilityTerms(resource: resource, rights: [.read], expiresAt: end), to: process, by: .human("owner"), in: transaction)
            }
            #expect(try await fixture.count() == 1)
            await fixture.settled()
            #expect(try await fixture.ends() == ["authority"])
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(ProcessStatus.paused, "process_paused"), (.killed, "process_ended")])
    func `a process that is held or ends takes its session along`(status: ProcessStatus, reason: String) async throws {
        try await SessionFixture.with { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            try await fixture.setStatus(status)
            await fixture.settled()
            #expect(try await fixture.ends() == [reason])
            if status == .paused {
                try await fixture.setStatus(.running)
                #expect(try await fixture.count() == 1)
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `a signal ends it, also one that nobody told of`(isTold: Bool) async throws {
        try await SessionFixture.with { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            let process = fixture.base.process
            let signal: @Sendable (any StoreTransaction) throws(LibOSError) -> Void = { transaction throws(LibOSError) in
                try transaction.append(
                    RuntimeEvent(type: .processSignal, source: "human:owner", target: process.text, createdAt: transaction.now))
            }
            if isTold {
                try await fixture.change(signal)
                await fixture.settled()
            } else {
                try await fixture.base.store.write(signal)
            }
            #expect(try await fixture.count() == 1)
            await fixture.broker.endSessions()
            #expect(try await fixture.ends() == ["process_signalled", "shut_down"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `another policy, another directory, another image: another worker`() async throws {
        try await SessionFixture.with { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            fixture.policy.withLock { $0.limits.memoryBytes /= 2 }
            #expect(try await fixture.count() == 1)
            try fixture.base.sandbox.directory("d")
            try await fixture.base.change { $0.workingDirectory = "d" }
            #expect(try await fixture.count() == 1)
            try await fixture.base.change { $0.image = "other" }
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.count() == 2)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `an idle worker is ended`() async throws {
        let terms = SessionTerms(tools: [SessionFixture.tool], idleMilliseconds: 50)
        try await SessionFixture.with(terms: terms) { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            await fixture.settled()
            #expect(try await fixture.ends() == ["idle"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a policy that no longer names the tool ends its session`() async throws {
        try await SessionFixture.with { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            fixture.policy.withLock { $0.sessions = nil }
            fixture.store.signal()
            await fixture.settled()
            #expect(try await fixture.ends() == ["policy"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a worker that has become old serves nobody`() async throws {
        let terms = SessionTerms(tools: [SessionFixture.tool], idleMilliseconds: 60_000, lifetimeMilliseconds: 300)
        try await SessionFixture.with(terms: terms) { (fixture) async throws in
            _ = try await fixture.call()
            await fixture.settled()
            #expect(try await fixture.ends() == ["lifetime"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a worker that dies is told of, and the next call has a fresh one`() async throws {
        let script = "if ($mode eq 'die') { exit 3 } result($count); exit 0 if $mode eq 'leave';"
        try await SessionFixture.with(script) { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            let crash = try await fixture.call("die")
            #expect(crash.denial?.rule == "early-exit" && crash.error?.contains("exit status 3") == true, "\(crash)")
            #expect(try await fixture.count("leave") == 1)
            await fixture.settled()
            #expect(try await fixture.count() == 1)
            await fixture.broker.endSessions()
            #expect(try await fixture.ends() == ["worker_ended", "worker_ended", "shut_down"])
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            #"say_('garbage')"#, #"say_('{"jsonrpc":"2.0","id":1,"method":"libos.clock.now","params":{}}')"#,
            #"say_('{"jsonrpc":"2.0","method":"progress","params":{"message":"x"}}')"#, "result(7)", "syswrite($c, 'x')",
        ])
    func `whatever a worker says between two calls ends it`(word: String) async throws {
        // It speaks when the test says so: after its result was taken.
        let script = "result($count); if ($mode eq 'late') { Time::HiRes::sleep(0.01) until -e 'go'; \(word) }"
        try await SessionFixture.with(script, needs: [Self.need]) { (fixture) async throws in
            try await fixture.base.grant("filesystem:workspace:*", [.read])
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.count("late") == 2)
            try fixture.base.sandbox.file("go", "")
            await fixture.settled()
            #expect(try await fixture.ends() == ["violation:unsolicited-frame"])
            #expect(fixture.base.kernel.calls.isEmpty, "nothing was done for it")
            #expect(try await fixture.count() == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a result for another call is a broken rule`() async throws {
        let script = "our $first ||= $id; if ($mode eq 'old') { $id = $first } result($count);"
        try await SessionFixture.with(script) { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.call("old").denial?.rule == "wrong-nonce")
            #expect(try await fixture.count() == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a cancelled call ends its session`() async throws {
        let script = "if ($mode eq 'ask') { ask('clock.now', '{}'); sleep 60 while 1 } result($count);"
        try await SessionFixture.with(script) { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            let (gate, opener) = AsyncStream.makeStream(of: Void.self)
            let calling = Task {
                for await _ in gate { break }
                return try await fixture.call("ask")
            }
            fixture.base.kernel.state.withLock { $0.during = { _ in calling.cancel() } }
            opener.yield()
            let result = try await calling.value
            #expect(!result.isOK && result.error?.contains("cancelled") == true, "\(result)")
            #expect(try await fixture.count() == 1)
            await fixture.broker.endSessions()
            #expect(try await fixture.ends() == ["cancelled", "shut_down"])
        }
    }

    /// A supervisor that is killed leaves no worker behind that waits.
    @Test(.timeLimit(.minutes(1))) func `a killed supervisor takes its sessions along`() async throws {
        let scratch = try ScratchDirectory("session")
        defer { scratch.remove() }
        let list = scratch.path + "/processes"
        await #expect(processExitsWith: .signal(SIGKILL)) { [list = list as String] in
            try await SessionFixture.with { (fixture) async throws in
                _ = try await fixture.count()
                let all = try ProcessTable.tree(of: getpid())
                fixture.base.sandbox.scratch.remove()
                try HostFile.write(list, all.map { "\($0.pid) \($0.startTime)" }.joined(separator: "\n"))
                kill(getpid(), SIGKILL)
            }
        }
        let entries = try HostFile.text(list).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(entries.count >= 3, "a launcher, an init and a worker")
        for fields in entries {
            let pid = try #require(Int32(fields[0]))
            let start = try #require(UInt64(fields[1]))
            #expect(try ProcessTable.hasEnded(pid, startTime: start), "\(pid)")
        }
    }
}
