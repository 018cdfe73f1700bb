internal import CapabilityBroker
internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
import TestSupport
internal import Testing
internal import ToolBroker

/// What a person said yes to is what is done: nothing that matters changes between the question and the action.
@Suite struct ApprovalBindingTests {
    private func asked(_ completion: Completion<ToolCallResult>) throws -> HumanRequestID {
        guard case .waiting(.human(let requests)) = completion, let id = requests.first else {
            throw LibOSError(.process, "it did not ask: \(completion)")
        }
        return id
    }

    private func wasDone(_ completion: Completion<ToolCallResult>) -> Bool {
        if case .done(let result) = completion { result.isOK } else { false }
    }

    private static func manifest(_ program: String) -> String {
        """
        manifest: 1
        name: changing
        description: a test
        protocol: command
        run: ["\(program)", "{path}"]
        policy: workspace
        needs: ["filesystem:workspace:{path} read"]
        input: {type: object, additionalProperties: false, required: [path], properties: {path: {type: string}}}
        """
    }

    @Test(.timeLimit(.minutes(1))) func `a yes to one program is none to another under the same tool's name`() async throws {
        try await BrokerFixture.with(tools: [Self.manifest("/usr/bin/wc")]) { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read], effect: .ask)
            let id = try asked(try await fixture.completion("changing", #"{"path": "a"}"#))
            try await fixture.kernel.decide(id, true)
            // The file of the manifest was changed, and the runtime started anew: the tool's id is the same.
            let registry = ToolRegistry()
            try registry.register(try ToolManifest.read(Array(Self.manifest("/usr/bin/cat").utf8), fileName: "test.yaml"))
            let again = fixture.broker(with: registry)
            let completion = try await again.call(
                ToolCallRequest(
                    process: fixture.process, tool: "changing", arguments: try json(#"{"path": "a"}"#), resumed: id))
            #expect(!wasDone(completion), "another program is another action: \(completion)")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["as it was", "written anew", "replaced"])
    func `a yes to a program is none to what its file holds by then`(change: String) async throws {
        let place = try ScratchDirectory("program")
        let program = place.path + "/job"
        try HostFile.write(program, "cat \"$1\"")
        let manifest = Self.manifest("/bin/sh").replacing("\"/bin/sh\", ", with: "/bin/sh, \(program), ") + "\nfiles: [\(program)]"
        try await BrokerFixture.with(tools: [manifest]) { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read], effect: .ask)
            let id = try asked(try await fixture.completion("changing", #"{"path": "a"}"#))
            try await fixture.kernel.decide(id, true)
            switch change {
            case "written anew": try HostFile.write(program, "cut \"$1\"")
            case "replaced":
                try HostFile.write(program + ".new", "cat \"$0\"")
                #expect(rename(program + ".new", program) == 0)
            default: break
            }
            let completion = try await fixture.completion("changing", #"{"path": "a"}"#, resumed: id)
            #expect(wasDone(completion) == (change == "as it was"), "\(completion)")
            let intents = try await fixture.audit("external_effect.intent")
            #expect(intents.count == (change == "as it was" ? 1 : 0))
            if let intent = intents.first { #expect(intent.decision["programs"]?.canonicalText.contains("sha256:") == true) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a yes to writing an object is good for what the object held then`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:a", [.write], effect: .ask)
            let arguments = #"{"path": "a", "name": "plan"}"#
            fixture.kernel.answer("memory.read_object", .value(.object(["payload": .string("harmless")])))
            let id = try asked(try await fixture.completion("write_object_to_file", arguments))
            try await fixture.kernel.decide(id, true)
            fixture.kernel.answer("memory.read_object", .value(.object(["payload": .string("something else")])))
            let completion = try await fixture.completion("write_object_to_file", arguments, resumed: id)
            #expect(!HostFile.exists(fixture.sandbox.path("a")), "nobody agreed to this text")
            #expect(!wasDone(completion))
            fixture.kernel.answer("memory.read_object", .value(.object(["payload": .string("harmless")])))
            _ = try await fixture.completion("write_object_to_file", arguments, resumed: id)
            #expect(try HostFile.text(fixture.sandbox.path("a")) == "harmless")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["delete_file", "read_text_file"])
    func `of many at once with one yes, one goes`(tool: String) async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read, .delete], effect: .ask)
            let id = try asked(try await fixture.completion(tool, #"{"path": "a"}"#))
            try await fixture.kernel.decide(id, true)
            let request = ToolCallRequest(
                process: fixture.process, tool: tool, arguments: try json(#"{"path": "a"}"#), resumed: id)
            let broker = fixture.broker
            let done = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<6 {
                    group.addTask { if case .done(let result) = try await broker.call(request) { result.isOK } else { false } }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(done == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a deny that came while a person thought holds against their yes`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.delete], effect: .ask)
            let id = try asked(try await fixture.completion("delete_file", #"{"path": "a"}"#))
            try await fixture.grant("filesystem:workspace:*", [.delete], effect: .deny)
            try await fixture.kernel.decide(id, true)
            guard case .done(let result) = try await fixture.completion("delete_file", #"{"path": "a"}"#, resumed: id) else {
                Issue.record("it waits")
                return
            }
            #expect(result.decision == .deny && HostFile.exists(fixture.sandbox.path("a")))
        }
    }

    /// A worker that writes its file, makes a libOS call, during which the world changes, and says that it is done.
    private static let writer =
        PerlTool.manifest(
            "ask('clock.now', '{}'); result('1')", needs: ["filesystem:workspace:{path} write"], policy: "workspace",
            input: "{type: object, additionalProperties: false, required: [path], properties: {path: {type: string}}}")
        + #"\#ndescriptors: {file: {path: "{path}", mode: replace}}"#

    enum Change: CaseIterable { case revoked, denied, ended }

    @Test(.timeLimit(.minutes(1)), arguments: Change.allCases)
    func `a file takes its place only while the authority stands`(change: Change) async throws {
        try await BrokerFixture.with(tools: [Self.writer]) { fixture in
            try fixture.sandbox.file("a", "A")
            let record = try await fixture.grant("filesystem:workspace:a", [.write])
            fixture.kernel.state.withLock {
                $0.during = { _ in
                    switch change {
                    case .revoked:
                        _ = try? await fixture.store.write { transaction throws(LibOSError) in
                            try fixture.capabilities.revoke(record.id, by: .human("owner"), in: transaction)
                        }
                    case .denied: _ = try? await fixture.grant("filesystem:workspace:*", [.write], effect: .deny)
                    case .ended:
                        try? await fixture.change {
                            $0.status = .killed
                            $0.outcome = .signal(.terminate, reason: nil)
                        }
                    }
                }
            }
            let result = try await fixture.call("perl_tool", #"{"path": "a"}"#)
            #expect(try HostFile.text(fixture.sandbox.path("a")) == "A", "\(result)")
            #expect(!result.isOK)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a yes to writing a file lasts to the end of its call`() async throws {
        try await BrokerFixture.with(tools: [Self.writer]) { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.write], effect: .ask)
            let id = try asked(try await fixture.completion("perl_tool", #"{"path": "a"}"#))
            try await fixture.kernel.decide(id, true)
            guard case .done(let result) = try await fixture.completion("perl_tool", #"{"path": "a"}"#, resumed: id) else {
                Issue.record("it waits")
                return
            }
            #expect(result.isOK, "\(result)")
            #expect(try HostFile.text(fixture.sandbox.path("a")).isEmpty)
        }
    }

    /// Arguments may be called what facts are called; neither stands for the other.
    @Test(.timeLimit(.minutes(1)), arguments: ["command", "argv", "adapter", "working_directory"])
    func `a long argument is no fact of the broker's`(name: String) async throws {
        let tool = """
            manifest: 1
            name: longwinded
            description: a test
            protocol: command
            run: ["/usr/bin/wc", "{\(name)}"]
            policy: workspace
            needs: ["filesystem:workspace:a read"]
            input: {type: object, additionalProperties: false, required: [\(name)], properties: {\(name): {type: string}}}
            """
        try await BrokerFixture.with(tools: [tool]) { fixture in
            try await fixture.grant("filesystem:workspace:a", [.read], effect: .ask)
            let text = String(repeating: "x", count: 300)
            _ = try asked(try await fixture.completion("longwinded", #"{"\#(name)": "\#(text)"}"#))
            let facts = try #require(fixture.kernel.state.withLock { $0.approvals.first }).facts
            #expect(facts["adapter"] == .string("command") && facts["working_directory"] == .string("."))
            #expect(facts["long_arguments"]?[name]?["truncated"] == .bool(true))
        }
    }
}
