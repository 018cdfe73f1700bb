internal import LibOSModel
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import Testing
internal import ToolBroker

/// Workers that break the protocol, in real sandboxes: each has one defined end, and none has a result.
@Suite struct HostileWorkerTests {
    private func end(_ script: String, limits: String = "{wall: 60s}", channel: ChannelLimits = .standard) async throws -> ToolCallResult {
        try await BrokerFixture.with(tools: [PerlTool.manifest(script, limits: limits)], limits: channel) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK)
            #expect(fixture.kernel.state.withLock { $0.kept.isEmpty }, "nothing is kept")
            #expect(try await fixture.calls(.failed).count == 1)
            return result
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("say_('garbage'); sleep 60", "not-json"),
            ("syswrite($c, qq(\\xff\\xfe\\n)); sleep 60", "not-json"),
            ("say_('[]'); sleep 60", "not-json-rpc"),
            ("say_('{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"libos.nothing\"}'); sleep 60", "unknown-method"),
            ("say_('{\"jsonrpc\":\"2.0\",\"id\":\"0000\",\"result\":{\"data\":1}}'); sleep 60", "wrong-nonce"),
            ("say_('{\"jsonrpc\":\"2.0\",\"id\":\"' . $id . '\",\"result\":7}'); sleep 60", "malformed-result"),
            (
                "my $r = '{\"jsonrpc\":\"2.0\",\"id\":\"' . $id . '\",\"result\":{\"data\":1}}'; say_(qq($r\\n$r)); sleep 60",
                "data-after-result"
            ),
            ("my $q = '{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"libos.clock.now\"}'; say_($q); <$c>; say_($q); sleep 60", "duplicate-id"),
            ("exit 3", "early-exit"),
            ("syswrite($c, '{\"jsonrpc\"'); exit 0", "partial-frame"),
            ("close $c; exit 0", "early-exit"),
            // A child of the tool has read the nonce too, and may not speak all the same.
            ("if (fork() == 0) { result('\"forged\"'); exit 0 } wait; result('\"own\"'); sleep 60", "foreign-writer"),
            ("if (fork() == 0) { if (fork() == 0) { result('\"forged\"') } exit 0 } sleep 60", "foreign-writer"),
        ])
    func `each broken rule has its name`(script: String, rule: String) async throws {
        let result = try await end(script)
        #expect(result.denial?.layer == .protocol, "\(result)")
        #expect(result.denial?.rule == rule)
        #expect(result.payload["error"]?["code"] == .string("execution_error"))
    }

    @Test(.timeLimit(.minutes(1))) func `an early end says how the tool ended`() async throws {
        #expect(try await end("exit 3").error?.contains("exit status 3") == true)
        #expect(try await end("kill 9, $$").error?.contains("signal 9") == true)
    }

    @Test(.timeLimit(.minutes(1))) func `frames are bounded in size, number and sum`() async throws {
        let small = ChannelLimits(frameBytes: 2000, frames: 3, syscalls: 2, totalBytes: 8000, depth: 8, nodes: 100)
        #expect(try await end("say_('x' x 3000); sleep 60", channel: small).denial?.rule == "frame-too-long")
        #expect(try await end("say_('') for 1..9; sleep 60", channel: small).denial?.rule == "too-many-frames")
        #expect(try await end("ask('clock.now', '{}') for 1..3; sleep 60", channel: small).denial?.rule == "too-many-syscalls")
        #expect(try await end("syswrite($c, 'x' x 2001); sleep 60", channel: small).denial?.rule == "frame-too-long")
    }

    @Test(.timeLimit(.minutes(1))) func `a descriptor from inside ends the call`() async throws {
        let tool = """
            manifest: 1
            name: passing
            description: sends a descriptor
            protocol: channel
            run: ["\(Products.probe)", "channel-pass"]
            policy: runtime
            input: {type: object, additionalProperties: false}
            """
        try await BrokerFixture.with(tools: [tool]) { fixture in
            let result = try await fixture.call("passing", "{}")
            #expect(result.denial?.rule == "passed-descriptor")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a worker that never answers is ended at its limit`() async throws {
        let result = try await end("while (1) { sleep 60 }", limits: "{wall: 400ms}")
        #expect(result.decision == .resourceLimit)
        #expect(result.payload["error"]?["code"] == .string("timeout"))
        #expect(result.denial?.rule == "limits.wall 400ms")
        // One that closes its channel and stays is no better off.
        let closed = try await end("close $c; while (1) { sleep 60 }", limits: "{wall: 400ms}")
        #expect(closed.payload["error"]?["code"] == .string("timeout"))
    }

    @Test(.timeLimit(.minutes(1))) func `a limit that ends the worker is told as that limit`() async throws {
        let result = try await end("my @a; while (1) { push @a, 'x' x 1000000 }", limits: "{wall: 60s, memory: 48MiB}")
        #expect(result.decision == .resourceLimit || result.error?.contains("exit status") == true, "\(result)")
    }

    @Test(.timeLimit(.minutes(1))) func `stdout is a log, whatever it says`() async throws {
        let tool = PerlTool.manifest(#"print qq({"jsonrpc":"2.0","id":"$id","result":{"data":"stdout"}}\n); result('"channel"')"#)
        try await BrokerFixture.with(tools: [tool]) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(result.isOK && result.payload == .string("channel"), "\(result)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the tree dies with the result`() async throws {
        let tool = PerlTool.manifest("if (fork() == 0) { sleep 60; exit } result('1'); sleep 60")
        try await BrokerFixture.with(tools: [tool]) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(result.isOK)
            let report = try #require(try await fixture.calls(.completed).first).report
            // It has done what it was called for; that its tree was ended then is no cancellation.
            #expect(report["outcome"]?["kind"] == .string("completed") && report["ended_by"] == .string("result"))
            #expect(report["outcome"]?["worker"]?["kind"] == .string("ended_after_result"))
            let audited = try #require(try await fixture.audit("tool.call").first?.decision["outcome"])
            #expect(audited["kind"] == .string("completed") && audited["exit_code"] == .int(0))
        }
    }
}
