internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import Testing

@testable internal import ToolBroker

/// Workers that stay for the next call, in real sandboxes: what they keep, and for whom.
@Suite struct SessionTests {
    @Test(.timeLimit(.minutes(1))) func `a worker keeps its state from one call to the next, and each call has its own records`()
        async throws
    {
        try await SessionFixture.with { (fixture) async throws in
            for number in 1...3 { #expect(try await fixture.count() == Int64(number)) }
            #expect(try await fixture.base.audit("external_effect.intent").count == 3)
            let outcomes = try await fixture.base.audit("tool.call")
            #expect(outcomes.count == 3 && outcomes.allSatisfy { $0.decision["ok"] == .bool(true) && $0.parent != nil })
            #expect(Set(outcomes.compactMap(\.parent)).count == 3, "each closes an intent of its own")
            let places = try await fixture.places()
            #expect(places.map { $0?["call"] } == [.int(1), .int(2), .int(3)])
            #expect(Set(places.map { $0?["id"] }).count == 1)
            for record in try await fixture.base.calls(.completed) {
                #expect(record.report["session"]?["id"] == places[0]?["id"])
                #expect(record.report["outcome"]?["worker"]?["kind"] == .string("stays"))
                guard case .array(let receipt)? = record.report["receipt"] else {
                    Issue.record("no receipt")
                    continue
                }
                #expect(receipt.contains { $0["layer"] == .string("seccomp") && $0["state"] == .string("enforced") })
                #expect(receipt.contains { $0["layer"] == .string("session") && $0["state"] == .string("partial") })
            }
            #expect(fixture.broker.sessions?.count == 1)
            await fixture.broker.endSessions()
            #expect(fixture.broker.sessions?.count == 0)
            #expect(try await fixture.ends() == ["shut_down"])
            let end = try #require(try await fixture.base.audit("tool.session_end").first?.decision)
            #expect(end["calls"] == .int(3) && end["session"] == places[0]?["id"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `two agent processes see nothing of each other`() async throws {
        try await SessionFixture.with { (fixture) async throws in
            let other = try await fixture.anotherProcess()
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.count(as: other) == 1)
            #expect(try await fixture.count() == 2)
            #expect(try await fixture.count(as: other) == 2)
            #expect(Set(try await fixture.places().map { $0?["id"] }).count == 2)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `without a word of the policy, or where nobody hears of commits, each call has its own worker`(isNamed: Bool) async throws {
        let terms = isNamed ? SessionTerms(tools: [SessionFixture.tool]) : nil
        try await SessionFixture.with(terms: terms, hearsCommits: !isNamed) { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.places().allSatisfy { $0 == nil })
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a worker serves as many calls as the policy says, a hundred without a word`() async throws {
        try await SessionFixture.with(limits: "{wall: 60s, cpu: 60s}") { (fixture) async throws in
            for number in 1...100 { #expect(try await fixture.count() == Int64(number)) }
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.places().last??["call"] == .int(1))
            #expect(try await fixture.ends() == ["calls"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a call that comes while another one is served gets a sandbox of its own`() async throws {
        try await SessionFixture.with("if ($mode eq 'ask') { ask('clock.now', '{}') } result($count);") { (fixture) async throws in
            let inner = Mutex<Int64?>(nil)
            fixture.base.kernel.state.withLock { state in
                state.during = { _ in
                    let count = try? await fixture.count("plain")
                    inner.withLock { $0 = count ?? nil }
                }
            }
            #expect(try await fixture.count("ask") == 1)
            #expect(inner.withLock { $0 } == 1)
            fixture.base.kernel.state.withLock { $0.during = nil }
            #expect(try await fixture.count() == 2, "the session is the first call's")
            #expect(try await fixture.places().filter { $0 == nil }.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `libOS calls are decided for the call that is open`() async throws {
        let script = #"result(ask('clock.now', '{}') =~ /noon/ ? $count : 0);"#
        try await SessionFixture.with(script) { (fixture) async throws in
            fixture.base.kernel.answer("clock.now", .value(.object(["now": .string("noon")])))
            for number in 1...2 { #expect(try await fixture.count() == Int64(number)) }
            let callers = fixture.base.kernel.state.withLock { $0.syscalls.map(\.caller.call) }
            #expect(Set(callers).count == 2 && !callers.contains(nil))
            #expect(try await fixture.base.audit("syscall.request").count == 2)
        }
    }

    // MARK: - Bounds of one call

    @Test(.timeLimit(.minutes(2))) func `each call has its own clock`() async throws {
        let script = "if ($mode eq 'hang') { sleep 60 while 1 } result($count);"
        try await SessionFixture.with(script, limits: "{wall: 15s}") { (fixture) async throws in
            #expect(try await fixture.count() == 1)
            let late = try await fixture.call("hang")
            #expect(late.denial?.rule == "limits.wall 15s" && late.decision == .resourceLimit, "\(late)")
            #expect(try await fixture.count() == 1, "a fresh worker")
            await fixture.broker.endSessions()
            #expect(try await fixture.ends() == ["call_limit", "shut_down"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `log and output limit are each call's own`() async throws {
        let script = "if ($mode eq 'flood') { print STDERR 'x' x 4096 for 1..600 } print STDERR qq(call $count\\n); result($count);"
        try await SessionFixture.with(script, limits: "{wall: 60s, output: 64KiB}") { (fixture) async throws in
            for _ in 1...2 { _ = try await fixture.count() }
            let logs = try await fixture.base.calls(.completed).map { $0.report["stderr"]?["text"] }
            #expect(Set(logs) == [.string("call 1\n"), .string("call 2\n")])
            let flood = try await fixture.call("flood")
            #expect(!flood.isOK && flood.decision == .resourceLimit, "\(flood)")
            #expect(try await fixture.count() == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `violations are those of the call in which they were seen`() async throws {
        // AF_VSOCK: nobody's to have.
        let script = "if ($mode eq 'try') { socket(my $s, 40, 1, 0) } result($count);"
        try await SessionFixture.with(script) { (fixture) async throws in
            for mode in ["plain", "try", "plain"] { _ = try await fixture.count(mode) }
            let counts = try await fixture.base.audit("tool.call").map { $0.decision["violations"] }
            #expect(counts == [.int(0), .int(1), .int(0)])
            await fixture.broker.endSessions()
            let end = try #require(try await fixture.base.audit("tool.session_end").first?.decision)
            #expect(end["violations_between_calls"] == .array([]))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a call uses is charged once, and the cpu limit counts over all calls`() async throws {
        let script = "my $end = Time::HiRes::clock() + 0.3; 1 while Time::HiRes::clock() < $end; result($count);"
        try await SessionFixture.with(script, limits: "{wall: 60s, cpu: 1s}") { (fixture) async throws in
            var failure: ToolCallResult?
            for _ in 1...8 where failure == nil {
                let result = try await fixture.call()
                if !result.isOK { failure = result }
            }
            #expect(failure?.denial?.rule == "limits.cpu 1s", "\(String(describing: failure))")
            let used = try await fixture.base.calls().compactMap { record -> Int64? in
                if case .int(let cpu)? = record.report["usage"]?["cpu_us"] { cpu } else { nil }
            }
            #expect(used.count >= 3 && used.allSatisfy { $0 < 900_000 }, "\(used)")
        }
    }

    // MARK: - Ask and one-shot

    @Test(.timeLimit(.minutes(1))) func `who must be asked is asked for each call, and a yes is for no other`() async throws {
        try await SessionFixture.with(needs: ["filesystem:workspace:a read"]) { (fixture) async throws in
            try fixture.base.sandbox.file("a", "A")
            try await fixture.base.grant("filesystem:workspace:a", [.read], effect: .ask)
            for _ in 1...2 {
                guard case .waiting(.human(let requests)) = try await fixture.completion("x"), let id = requests.first else {
                    Issue.record("it did not ask")
                    return
                }
                try await fixture.base.kernel.decide(id, true)
                guard case .done(let result) = try await fixture.completion("x", resumed: id) else {
                    Issue.record("it waits")
                    return
                }
                #expect(result.isOK && result.payload == .int(1), "\(result)")
            }
            #expect(fixture.base.kernel.state.withLock { $0.approvals.count } == 2)
            #expect(try await fixture.places().allSatisfy { $0 == nil })
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a counted use never rides on a session`() async throws {
        try await SessionFixture.with(needs: ["filesystem:workspace:a read"]) { (fixture) async throws in
            try fixture.base.sandbox.file("a", "A")
            try await fixture.base.grant("filesystem:workspace:a", [.read], uses: 1)
            #expect(try await fixture.count() == 1)
            #expect(try await fixture.call().decision == .deny)
            #expect(try await fixture.places() == [nil, nil])
        }
    }

    // MARK: - Refusals

    @Test(.timeLimit(.minutes(1))) func `a tool that does not understand sessions is refused at load and at call`() async throws {
        try await SessionFixture.with(manifest: KeptTool.manifest("result(1);", more: "version: 1.0.0")) { (fixture) async throws in
            let error = #expect(throws: PolicyError.self) { try fixture.broker.requireSessions() }
            #expect(error?.message.contains("does not say that its worker understands them") == true)
            let result = try await fixture.call()
            #expect(result.decision == .deny && result.denial?.layer == .policy, "\(result)")
            #expect(try await fixture.base.audit("external_effect.intent").isEmpty, "nothing was to be run")
        }
    }

    @Test func `a manifest whose grants differ by arguments, or that hands out descriptors, has no session`() throws {
        func manifest(_ more: String, run: String = "[x]", word: String = "channel") -> String {
            """
            manifest: 1
            name: t
            description: t
            protocol: \(word)
            session: true
            run: \(run)
            policy: workspace
            input: {type: object, additionalProperties: false, required: [p], properties: {p: {type: string}}}
            \(more)
            """
        }
        func read(_ text: String) throws -> ToolManifest { try ToolManifest.read(Array(text.utf8), fileName: "t.yaml") }
        #expect(try read(manifest("needs: [\"filesystem:workspace:* read\"]")).understandsSessions)
        #expect(try !read(manifest("").replacing("session: true", with: "session: false")).understandsSessions)
        for (text, reason) in [
            (manifest("needs: [\"filesystem:workspace:{p} read\"]"), "follows from the arguments"),
            (
                manifest("needs: [\"filesystem:workspace:{p} read\"]\ndescriptors: {f: {path: \"{p}\", mode: read}}"),
                "handed open files"
            ),
            (manifest("", run: "[x, \"{p}\"]"), "command line holds arguments"),
            (manifest("", word: "command"), "no worker that could wait"),
        ] {
            let error = #expect(throws: PolicyError.self) { try read(text) }
            #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        }
        #expect(throws: PolicyError.self) { try read(manifest("").replacing("session: true", with: "session: yes")) }
    }
}
