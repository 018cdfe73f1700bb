internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import Testing
internal import ToolBroker

/// Results that are made to keep their own call off the record: each call is closed all the same.
@Suite struct HostileResultTests {
    /// Keys that differ until their control characters are written out.
    private static let twins = ##"{"^A":1,"\u0001":2}"##

    private static func answer(_ body: String) -> String { #"say_('{"jsonrpc":"2.0","id":"' . $id . '",\#(body)}')"# }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            answer(#""result":{"data":\#(twins)}"#), answer(#""result":{"data":1,"metadata":\#(twins)}"#),
            answer(#""result":{"data":1,"artifacts":[\#(twins)]}"#),
            answer(#""error":{"code":1,"message":"x","data":{"details":\#(twins)}}"#),
        ])
    func `keys that become one when they are cleaned do not keep a call open`(script: String) async throws {
        try await BrokerFixture.with(tools: [PerlTool.manifest(script)]) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK)
            #expect(try await fixture.calls(.intended).isEmpty, "the intent is closed")
            #expect(try await fixture.calls(.failed).count == 1)
            #expect(try await fixture.audit("tool.call").count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a result that the runtime refuses to keep closes its call`() async throws {
        try await BrokerFixture.with(tools: [PerlTool.manifest("result('1')")]) { fixture in
            fixture.kernel.state.withLock { $0.keeping = LibOSError(.denied, "its namespace takes no objects") }
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK)
            #expect(try await fixture.calls(.intended).isEmpty, "the intent is closed")
            #expect(try await fixture.calls(.failed).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a failure says as much as people read, and no more`() async throws {
        let error =
            #"'{"jsonrpc":"2.0","id":"' . $id . '","error":{"code":1,"message":"' . ('x' x 900000) . '","data":{"details":{"a":"'"#
            + #" . ('y' x 900000) . '"}}}}'"#
        try await BrokerFixture.with(tools: [PerlTool.manifest("say_(\(error))")]) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK && result.payload.canonicalText.utf8.count < 64 << 10)
            let failed = try #require(try await fixture.events().first { $0.type == .toolFailed })
            #expect(failed.payload.canonicalText.utf8.count < 64 << 10, "a model reads it")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `answers that nobody takes do not pile up`() async throws {
        let script = #"say_('{"jsonrpc":"2.0","id":' . $_ . ',"method":"libos.memory.read_object","params":{}}') for 1..40; sleep 60"#
        try await BrokerFixture.with(tools: [PerlTool.manifest(script, limits: "{wall: 3s}")]) { fixture in
            fixture.kernel.answer("memory.read_object", .value(.string(String(repeating: "x", count: 1 << 20))))
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK)
            #expect(fixture.kernel.calls.count <= 8, "\(fixture.kernel.calls.count) MiB wait to be taken")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a result's own keys do not make its failure long`() async throws {
        let tool =
            PerlTool.manifest(#"result('{"' . ('k' x 900000) . '":1,"' . ('~' x 900000) . '":1}')"#)
            + "\noutput: {type: object, additionalProperties: false, properties: {a: {type: integer}}}"
        try await BrokerFixture.with(tools: [tool]) { fixture in
            let result = try await fixture.call("perl_tool", "{}")
            #expect(!result.isOK && result.decision == .validationError)
            #expect(result.payload.canonicalText.utf8.count < 64 << 10)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `of two files, the one that took its place is on record though the other did not`() async throws {
        let tool =
            PerlTool.manifest(
                "ask('clock.now', '{}'); result('1')", needs: ["filesystem:workspace:{a} write", "filesystem:workspace:{b} write"],
                policy: "workspace",
                input: "{type: object, additionalProperties: false, required: [a, b], properties: {a: {type: string}, b: {type: string}}}")
            + "\ndescriptors: {a: {path: \"{a}\", mode: replace}, b: {path: \"{b}\", mode: replace}}"
        try await BrokerFixture.with(tools: [tool]) { fixture in
            for name in ["a", "b"] { try fixture.sandbox.file(name, "old") }
            try await fixture.grant("filesystem:workspace:*", [.write])
            fixture.kernel.state.withLock {
                $0.during = { _ in _ = try? fixture.sandbox.file("b", "somebody else's") }
            }
            let result = try await fixture.call("perl_tool", #"{"a": "a", "b": "b"}"#)
            #expect(!result.isOK, "\(result)")
            #expect(try await fixture.audit("external.filesystem.write_text").map(\.target) == ["filesystem:workspace:a"])
        }
    }
}
