internal import CapabilityBroker
internal import CapabilityLanguage
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
}
