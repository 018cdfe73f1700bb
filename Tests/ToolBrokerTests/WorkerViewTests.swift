internal import CapabilityLanguage
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxTestSupport
internal import StrictJSON
internal import Testing
internal import ToolBroker

/// What is around the built-in file tools' program: the probe takes its place and looks.
@Suite struct WorkerViewTests {
    private func look(_ action: [String], _ fixture: BrokerFixture) async throws -> ProbeAnswer {
        let words = JSONValue.strings(["glovebox-worker"] + action).canonicalText
        let tool = try ToolManifest.read(
            Array(
                """
                manifest: 1
                name: look_\(UInt32.random(in: 0 ... .max))
                description: looks around
                protocol: channel
                run: \(words)
                policy: workspace
                needs: ["filesystem:workspace:{path} read"]
                descriptors: {file: {path: "{path}", mode: read}}
                input: {type: object, additionalProperties: false, required: [path], properties: {path: {type: string}}}
                """.utf8), fileName: "look.yaml")
        try fixture.broker.registry.register(tool)
        try await fixture.change { $0.toolTable[tool.name] = tool.spec.id }
        let result = try await fixture.call(tool.name, #"{"path": "a"}"#)
        #expect(result.denial?.rule == "early-exit", "the probe does not speak the protocol: \(result)")
        let (store, id) = (fixture.store, result.call)
        let record = try await store.read { reading throws(LibOSError) in try reading.toolCall(id) }
        guard case .string(let text)? = record?.report["stdout"]?["text"] else { return .silent("\(result)") }
        return ProbeAnswer(text)
    }

    @Test(.timeLimit(.minutes(1))) func `the worker has its four descriptors, and of the workspace and the host's files nothing`()
        async throws
    {
        try await BrokerFixture.with(workerIsProbe: true) { fixture in
            try fixture.sandbox.file("a", "A", mode: 0o666)
            try fixture.sandbox.file("b", "B", mode: 0o666)
            try await fixture.grant("filesystem:workspace:a", [.read])
            #expect(try await look(["fds"], fixture) == .ok("0 1 2 3"))
            for path in [fixture.sandbox.path("a"), fixture.sandbox.path("b"), "/etc/login.defs", "/etc/debian_version"] {
                #expect(try fixture.sandbox.outside("read", path).isOK, "the act is possible outside: \(path)")
                let inside = try await look(["read", path], fixture)
                #expect(["ENOENT", "EACCES"].contains(inside.error), "\(path): \(inside)")
            }
            #expect(try await look(["channel-descriptor"], fixture).description.hasPrefix("ok read=A write=EBADF reopen=E"))
        }
    }
}
