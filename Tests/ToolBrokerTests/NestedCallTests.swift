internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing
internal import ToolBroker

/// libOS calls of running tools: decided at each use, on behalf of the caller, on record.
@Suite struct NestedCallTests {
    private static let reads =
        #"my $a = ask('filesystem.read_text', '{"path":"a"}'); my $b = ask('clock.now', '{}'); "#
        + #"my $d = ask('filesystem.read_text', '{"path":"a"}'); result("[$a,$b,$d]")"#

    @Test(.timeLimit(.minutes(1))) func `a tool asks for what its process may, and no more`() async throws {
        let script =
            #"my $a = ask('filesystem.read_text', '{"path":"a"}'); my $b = ask('filesystem.read_text', '{"path":"b"}'); result("[$a,$b]")"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script, policy: "workspace")]) { fixture in
            try fixture.sandbox.file("a", "A")
            try fixture.sandbox.file("b", "B")
            try await fixture.grant("filesystem:workspace:a", [.read])
            let result = try await fixture.call("perl_tool", "{}")
            guard result.isOK, case .array(let answers) = result.payload else {
                Issue.record("\(result)")
                return
            }
            #expect(answers[0]["result"]?["text"] == .string("A"))
            #expect(answers[1]["error"]?["data"]?["denial"]?["layer"] == .string("capability"))
            #expect(
                try await fixture.audit("syscall.request").map { $0.decision["syscall"] }
                    == Array(repeating: .string("filesystem.read_text"), count: 2))
            #expect(try await fixture.audit("syscall.result").map { $0.decision["ok"] } == [.bool(true), .bool(false)])
            #expect(try await fixture.audit("external.filesystem.read_text").count == 2, "the denial too")
        }
    }

    /// Every call of the runtime's, of the broker's and the end of the process: the process may do all of it, its tool nothing of it.
    @Test(.timeLimit(.minutes(1))) func `a tool makes the libOS calls that its manifest names and no others`() async throws {
        let script =
            "my @a = map { ask($_, $_ eq 'process.exit' ? '{}' : '{\"path\":\"a\"}') } "
            + "qw(filesystem.read_text clock.now filesystem.delete_file memory.write_object_to_file process.exit process.spawn_child); "
            + "result('[' . join(',', @a) . ']')"
        try await BrokerFixture.with(tools: [
            PerlTool.manifest(script, syscalls: ["filesystem.read_text", "clock.now"], policy: "workspace")
        ]) { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read, .write, .delete])
            let result = try await fixture.call("perl_tool", "{}")
            guard result.isOK, case .array(let answers) = result.payload, answers.count == 6 else {
                Issue.record("\(result)")
                return
            }
            #expect(answers[0]["result"]?["text"] == .string("A") && answers[1]["result"] != nil)
            let names = ["filesystem.delete_file", "memory.write_object_to_file", "process.exit", "process.spawn_child"]
            for (answer, name) in zip(answers.dropFirst(2), names) {
                let denial = answer["error"]?["data"]?["denial"]
                #expect(answer["error"]?["data"]?["code"] == .string("permission_denied"))
                #expect(denial?["layer"] == .string("manifest") && denial?["rule"] == .string("syscalls of perl_tool"))
                #expect(denial?["certain"] == .bool(true))
                #expect(denial?["suggestion"] == .string("add \(name) to `syscalls` in the tool's manifest"))
            }
            #expect(try HostFile.text(fixture.sandbox.path("a")) == "A")
            #expect(fixture.kernel.calls.map(\.name) == ["clock.now"], "nothing else reached the runtime, the end of the process neither")
            let results = try await fixture.audit("syscall.result").map(\.decision)
            #expect(results.map { $0["ok"] } == [true, true, false, false, false, false].map { JSONValue.bool($0) })
            #expect(results.dropFirst(2).map { $0["denial"]?["layer"] } == Array(repeating: .string("manifest"), count: 4))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a tool asked is withdrawn when it has ended`() async throws {
        let script = #"ask('human.ask', '{"question":"?"}'); result("{}")"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let asked = HumanRequestID.new()
            fixture.kernel.answer("human.ask", .waiting(.human([asked])))
            _ = try await fixture.call("perl_tool", "{}")
            #expect(fixture.kernel.state.withLock { $0.withdrawn } == [asked])
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `a cancelled tool's question is withdrawn when its process was paused, and stays for another run otherwise`(
        isPaused: Bool
    ) async throws {
        let script = #"ask('human.ask', '{"question":"?"}'); sleep 600;"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let asked = HumanRequestID.new()
            fixture.kernel.answer("human.ask", .waiting(.human([asked])))
            let (broker, store, process) = (fixture.broker, fixture.store, fixture.process)
            let (gate, opener) = AsyncStream.makeStream(of: Void.self)
            let calling = Task {
                for await _ in gate { break }
                return try await broker.call(ToolCallRequest(process: process, tool: "perl_tool", arguments: .object([])))
            }
            fixture.kernel.state.withLock {
                $0.during = { _ in
                    if isPaused {
                        try? await store.write { transaction throws(LibOSError) in
                            var paused = try transaction.existingProcess(process)
                            paused.status = .paused
                            try transaction.update(paused)
                        }
                    }
                    calling.cancel()
                }
            }
            opener.yield()
            guard case .done(let result) = try await calling.value else { throw LibOSError(.process, "it waits") }
            #expect(!result.isOK)
            #expect(fixture.kernel.state.withLock { $0.withdrawn } == (isPaused ? [asked] : []))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `authority that is revoked while a tool runs is gone at its next use`() async throws {
        try await BrokerFixture.with(tools: [PerlTool.manifest(Self.reads, policy: "workspace")]) { fixture in
            try fixture.sandbox.file("a", "A")
            let record = try await fixture.grant("filesystem:workspace:a", [.read])
            let (store, id) = (fixture.store, record.id)
            fixture.kernel.state.withLock {
                $0.during = { _ in
                    try? await store.write { transaction throws(LibOSError) in
                        guard var record = try transaction.capability(id) else { return }
                        record.status = .revoked
                        try transaction.update(record)
                    }
                }
            }
            let result = try await fixture.call("perl_tool", "{}")
            guard result.isOK, case .array(let answers) = result.payload else {
                Issue.record("\(result)")
                return
            }
            #expect(answers[0]["result"]?["text"] == .string("A"))
            #expect(answers[2]["error"] != nil)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `a person is asked while the tool waits`(isApproved: Bool) async throws {
        let script = #"my $a = ask('filesystem.read_text', '{"path":"a"}'); result($a)"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script, policy: "workspace")]) { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read], effect: .ask)
            fixture.kernel.state.withLock { $0.settlement = isApproved }
            let result = try await fixture.call("perl_tool", "{}")
            #expect(result.isOK)
            if isApproved {
                #expect(result.payload["result"]?["text"] == .string("A"))
            } else {
                #expect(result.payload["error"]?["data"]?["denial"]?["layer"] == .string("human"))
            }
            #expect(fixture.kernel.state.withLock { $0.approvals.count } == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `wrong arguments are answered, not obeyed`() async throws {
        let script =
            #"result("[" . ask('filesystem.read_text', '{"path":"a","follow":true}') . "," . ask('filesystem.write_text', '{"path":"../x","text":""}') . "]")"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script, policy: "workspace")]) { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read, .write])
            let result = try await fixture.call("perl_tool", "{}")
            guard case .array(let answers) = result.payload else {
                Issue.record("\(result)")
                return
            }
            #expect(answers.allSatisfy { $0["error"]?["data"]?["code"] == .string("validation_error") })
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the end of its process waits for the tool's result`() async throws {
        let script = #"my $a = ask('process.exit', '{"message":"done"}'); my $b = ask('process.exit', '{}'); result("[$a,$b]")"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let kept = Mutex<Int?>(nil)
            let kernel = fixture.kernel
            kernel.state.withLock {
                $0.during = { syscall in
                    let count = kernel.state.withLock { $0.kept.count }
                    if syscall.name == "process.exit" { kept.withLock { $0 = count } }
                }
            }
            let result = try await fixture.call("perl_tool", "{}")
            #expect(result.isOK)
            #expect(kept.withLock { $0 } == 1, "the result was kept before")
            guard case .array(let answers) = result.payload else { return }
            #expect(answers[0]["result"]?["deferred"] == .bool(true) && answers[1]["error"] != nil)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (ProcessStatus.paused, nil, "the call was cancelled: its process was paused"),
            (.paused, "its client has left", "the call was cancelled: its client has left"),
            (.running, "its client has left", "the call was cancelled: its client has left"),
            (.killed, nil, "the call was cancelled: its process has ended (killed)"),
            (.killed, "its client has left", "the call was cancelled: its process has ended (killed)"),
        ] as [(ProcessStatus, String?, String)])
    func `a cancelled call says who cancelled it, or what became of its process`(
        status: ProcessStatus, cause: String?, message: String
    ) async throws {
        let script = #"say_('{"jsonrpc":"2.0","method":"progress","params":{"message":"begun"}}'); sleep 60"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let (begun, tell) = AsyncStream<Void>.makeStream()
            let (broker, process) = (fixture.broker, fixture.process)
            let cancellation = CallCancellation()
            let call = Task {
                try await CallCancellation.$current.withValue(cancellation) {
                    try await broker.call(ToolCallRequest(process: process, tool: "perl_tool", arguments: .object([]))) { _, _ in
                        tell.yield()
                    }
                }
            }
            for await _ in begun { break }
            try await fixture.change {
                $0.status = status
                if status.isTerminal { $0.outcome = .signal(.terminate, reason: nil) } else if status == .paused { $0.pause = .signal(nil) }
            }
            if let cause {
                cancellation.note(cause)
                cancellation.note("somebody else")
            }
            call.cancel()
            guard case .done(let result) = try await call.value else { return }
            #expect(!result.isOK && result.error == message && result.payload["error"]?["code"] == .string("execution_error"))
            let record = try #require(try await fixture.calls(.failed).first)
            #expect(record.error == message && record.report["outcome"]?["kind"] == .string("cancelled"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `progress is heard, and cancelling ends the tool and closes its records`() async throws {
        let script = #"say_('{"jsonrpc":"2.0","method":"progress","params":{"message":"begun"}}'); sleep 60"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let (begun, tell) = AsyncStream<String>.makeStream()
            let (broker, process) = (fixture.broker, fixture.process)
            let call = Task {
                try await broker.call(ToolCallRequest(process: process, tool: "perl_tool", arguments: .object([]))) { message, _ in
                    tell.yield(message)
                }
            }
            for await message in begun {
                #expect(message == "begun")
                // What runs now has its intent on record, and no outcome yet: a crash here would leave it unknown.
                #expect(try await fixture.calls(.intended).count == 1)
                #expect(try await fixture.audit("external_effect.intent").count == 1)
                #expect(try await fixture.audit("tool.call").isEmpty)
                break
            }
            call.cancel()
            guard case .done(let result) = try await call.value else { return }
            #expect(!result.isOK && result.error == "the call was cancelled")
            #expect(try await fixture.calls(.failed).count == 1)
            #expect(try await fixture.audit("tool.call").count == 1)
        }
    }
}
