internal import LibOSModel
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
import TestSupport
internal import Testing

@testable internal import ToolBroker

/// The example whose worker stays, and the Python module's loop, as they stand in the tree.
@Suite struct SessionExampleTests {
    private static let directory = Products.policies + "/../sandbox/workers"
    private static let isThere = HostFile.exists(directory + "/examples/tally.py") && HostFile.exists("/usr/bin/python3")

    private static func load() throws -> ResolvedPolicy {
        try PolicyLoader.load(
            Array(try HostFile.text(directory + "/examples/policies/tally.yaml").utf8), fileName: "tally.yaml"
        ) { parent in (Array(try HostFile.text(Products.policies + "/\(parent).yaml").utf8), "\(parent).yaml") }
    }

    private func with(_ program: String? = nil, _ body: (SessionFixture, ToolManifest) async throws -> Void) async throws {
        try await BrokerFixture.with { base in
            let place = base.sandbox.scratch.path + "/tools"
            for name in ["", "/examples", "/python"] { try HostFile.makeDirectory(place + name) }
            for name in ["examples/tally.py", "examples/tally.yaml", "python/glovebox_tool.py"] {
                try HostFile.write("\(place)/\(name)", try HostFile.text("\(Self.directory)/\(name)"))
            }
            if let program { try HostFile.write(place + "/examples/tally.py", program) }
            let tool = try ToolRegistry.read(place + "/examples/tally.yaml")
            try base.broker.registry.register(tool)
            try await base.change { $0.toolTable[tool.name] = tool.spec.id }
            let fixture = try SessionFixture(base, nil)
            let policy = try Self.load()
            fixture.policy.withLock { $0 = policy }
            try fixture.broker.requireSessions()
            do {
                try await body(fixture, tool)
            } catch {
                await fixture.broker.endSessions()
                throw error
            }
            await fixture.broker.endSessions()
        }
    }

    private func call(_ fixture: SessionFixture, _ arguments: String) async throws -> ToolCallResult {
        let request = ToolCallRequest(process: fixture.base.process, tool: "tally", arguments: try json(arguments))
        guard case .done(let result) = try await fixture.broker.call(request) else { throw LibOSError(.process, "it waits") }
        return result
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isThere, "needs the checkout and Python"))
    func `the example remembers what its process told it`() async throws {
        try await with { fixture, _ in
            #expect(
                try await call(fixture, #"{"text": "a b a", "word": "a"}"#).payload == (try json(#"{"call": 1, "words": 3, "count": 2}"#)))
            let second = try await call(fixture, #"{"text": "A c", "word": "a"}"#)
            #expect(second.payload == (try json(#"{"call": 2, "words": 5, "count": 3}"#)), "\(second)")
            fixture.policy.withLock { $0.sessions = nil }
            #expect(try await call(fixture, #"{"word": "a"}"#).payload == (try json(#"{"call": 1, "words": 0, "count": 0}"#)))
        }
    }

    /// Failures and what a call prints stay in the call; the worker goes on.
    @Test(.timeLimit(.minutes(1)), .enabled(if: isThere, "needs the checkout and Python"))
    func `the Python module serves one call after the other`() async throws {
        let program = """
            import os, sys
            sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
            import glovebox_tool
            def run(call):
                n = call.state["n"] = call.state.get("n", 0) + 1
                print("this is", n)
                if call.arguments["word"] == "fail":
                    raise glovebox_tool.ToolError("no")
                if call.arguments["word"] == "bug":
                    raise FileNotFoundError("x")
                return {"call": call.session["call"], "words": n, "count": 0}
            glovebox_tool.serve(run, session=True)
            """
        try await with(program) { fixture, _ in
            for (index, word) in ["", "fail", "bug", ""].enumerated() {
                let result = try await call(fixture, #"{"word": "\#(word)"}"#)
                #expect(result.isOK == word.isEmpty, "\(result)")
                if word.isEmpty {
                    #expect(result.payload["words"] == .int(Int64(index + 1)) && result.payload["call"] == .int(Int64(index + 1)))
                }
            }
            let logs = try await fixture.base.calls().map { $0.report["stdout"]?["text"] }
            #expect(Set(logs) == Set((1...4).map { JSONValue.string("this is \($0)\n") }))
        }
    }

    /// A tool that does not ask for a session ends with its call, whatever manifest and policy say; the next call has a fresh one.
    @Test(.timeLimit(.minutes(1)), .enabled(if: isThere, "needs the checkout and Python"))
    func `a program without the loop serves one call each`() async throws {
        let program = try HostFile.text(Self.directory + "/examples/tally.py").replacing("serve(run, session=True)", with: "serve(run)")
        try await with(program) { fixture, _ in
            for _ in 1...2 {
                let result = try await call(fixture, #"{"text": "a", "word": "a"}"#)
                #expect(result.payload == (try json(#"{"call": 1, "words": 1, "count": 1}"#)), "\(result)")
                await fixture.settled()
            }
        }
    }
}
