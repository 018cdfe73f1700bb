internal import CapabilityLanguage
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxTestSupport
internal import StrictJSON
internal import Testing

@testable internal import ToolBroker

/// The built-in worker, started before its call: what it does and what is recorded of it is as with one of the call's own.
@Suite struct ParkedWorkerTests {
    private static let pool: SandboxPoolSettings = {
        var settings = SandboxPoolSettings()
        settings.buildsOnDemand = true
        return settings
    }()

    private func launch(_ fixture: BrokerFixture, _ result: ToolCallResult) async throws -> JSONValue? {
        let (store, id) = (fixture.store, result.call)
        return try await store.read { reading throws(LibOSError) in try reading.toolCall(id) }?.report["launch"]
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `files are read and written as by a worker of the call's own`(isParked: Bool) async throws {
        try await BrokerFixture.with(pool: isParked ? Self.pool : nil) { fixture in
            try fixture.sandbox.file("a", "canary text", mode: 0o666)
            try await fixture.grant("filesystem:workspace:*", [.read, .write])
            let read = try await fixture.call("read_text_file", #"{"path": "a"}"#)
            #expect(read.isOK, "\(read)")
            #expect(read.payload["text"] == .string("canary text"))
            #expect(read.payload["size_bytes"] == .int(11))
            #expect(read.payload["truncated"] == .bool(false))
            let part = try await fixture.call("read_text_file", #"{"path": "a", "offset": 7, "max_bytes": 2}"#)
            #expect(part.payload["text"] == .string("te"))
            #expect(part.payload["truncated"] == .bool(true))
            let written = try await fixture.call("write_text_file", #"{"path": "b", "text": "new text"}"#)
            #expect(written.isOK, "\(written)")
            #expect(try SmallFile.text(fixture.sandbox.path("b")) == "new text")
            let missing = try await fixture.call("read_text_file", #"{"path": "none"}"#)
            #expect(!missing.isOK)
            for result in [read, part, written] {
                let launch = try await launch(fixture, result)
                #expect((launch == .string("parked")) == isParked, "\(launch?.canonicalText ?? "")")
            }
            // Decision, intent, receipt and outcome are on record for each of them.
            let calls = try await fixture.calls(.completed)
            #expect(calls.count == 3)
            for call in calls { #expect(call.report["receipt"] != nil && call.report["outcome"] != nil) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `text that is no call of its own is read by a sealed worker`() async throws {
        try await BrokerFixture.with(pool: Self.pool) { fixture in
            // As much as one read gives, and bytes that are no text.
            try fixture.sandbox.file("large", String(repeating: "0123456789abcdef", count: 70_000), mode: 0o666)
            try fixture.sandbox.file("binary", "a\u{0}b", mode: 0o666)
            try await fixture.grant("filesystem:workspace:*", [.read, .write])
            let large = try await fixture.call("read_text_file", #"{"path": "large", "max_bytes": 1000000}"#)
            #expect(large.isOK)
            #expect(large.payload["read_bytes"] == .int(1_000_000))
            #expect(try await launch(fixture, large) == .string("parked"))
            let long = String(repeating: "x", count: 900_000)
            let written = try await fixture.call("write_text_file", "{\"path\": \"long\", \"text\": \"\(long)\"}")
            #expect(written.isOK, "\(written)")
            #expect(try await launch(fixture, written) == .string("parked"))
            let binary = try await fixture.call("read_text_file", #"{"path": "binary"}"#)
            #expect(!binary.isOK)
            #expect(try await launch(fixture, binary) == .string("parked"))
        }
    }

    /// The probe in the worker's place, waiting as it does.
    @Test(.timeLimit(.minutes(1))) func `one call's worker shows nothing of the call before`() async throws {
        try await BrokerFixture.with(workerIsProbe: true, pool: Self.pool) { fixture in
            try fixture.sandbox.file("a", "A", mode: 0o666)
            try await fixture.grant("filesystem:workspace:a", [.read])
            func look(_ action: [String]) async throws -> ProbeAnswer {
                let tool = try ToolManifest.read(
                    Array(
                        """
                        manifest: 1
                        name: look_\(UInt32.random(in: 0 ... .max))
                        description: looks around
                        protocol: channel
                        run: \(JSONValue.strings(["glovebox-worker"] + action).canonicalText)
                        policy: workspace
                        needs: ["filesystem:workspace:{path} read"]
                        descriptors: {file: {path: "{path}", mode: read}}
                        input: {type: object, additionalProperties: false, required: [path], properties: {path: {type: string}}}
                        """.utf8), fileName: "look.yaml")
                try fixture.broker.registry.register(tool)
                try await fixture.change { $0.toolTable[tool.name] = tool.spec.id }
                let result = try await fixture.call(tool.name, #"{"path": "a"}"#)
                #expect(result.denial?.rule == "early-exit", "the probe does not speak the protocol: \(result)")
                #expect(try await launch(fixture, result) == .string("parked"))
                let (store, id) = (fixture.store, result.call)
                let record = try await store.read { reading throws(LibOSError) in try reading.toolCall(id) }
                guard case .string(let text)? = record?.report["stdout"]?["text"] else { return .silent("\(result)") }
                return ProbeAnswer(text)
            }
            #expect(try await look(["create", "/tmp/left", "canary"]).isOK)
            for _ in 0..<2 {
                #expect(try await look(["fds"]) == .ok("0 1 2 3"))
                #expect(try await look(["read", "/tmp/left"]).error == "ENOENT")
                #expect(try await look(["read", fixture.sandbox.path("a")]).isOK == false)
                #expect(try await look(["channel-descriptor"]).description.hasPrefix("ok read=A write=EBADF reopen=E"))
                let environment = try await look(["environ"])
                #expect(environment.description.contains("GLOVEBOX_CHANNEL=3"), "\(environment)")
            }
        }
    }
}
