import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

@Suite("glovebox bench, from the shell")
struct BenchCommandTests {
    private static let server = """
        import json, sys
        for line in sys.stdin:
            message = json.loads(line)
            if "id" not in message: continue
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}), flush=True)
        """

    private static let words = [
        "bench", "mcp", "--calls", "100", "--messages", "1000", "--rounds", "1", "--policy", "python", "--json", "--", "/usr/bin/python3",
        "server.py",
    ]

    @Test(.timeLimit(.minutes(2))) func `bench mcp measures every case, bare and relayed`() throws {
        let fixture = try AgentFixture(files: ["server.py": Self.server])
        let ended = try fixture.glovebox(Self.words)
        #expect(ended.code == 0, "\(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        #expect(report["schema"] == .string("glovebox.bench/1"))
        let names = [
            "ping bare", "ping relayed", "ping added", "call bare", "call relayed", "call added", "ping pipelined, bare",
            "ping pipelined, relayed", "call pipelined, bare", "call pipelined, relayed",
        ]
        let cases = try fixture.items(report["cases"])
        #expect(cases.map { $0["name"] } == names.map { .string($0) })
        #expect(cases.map { $0["n"] } == [100, 100, 100, 100, 100, 100, 1000, 1000, 200, 200].map { .int($0) })
        for item in cases {
            for key in ["min_us", "median_us", "p95_us", "p99_us"] { #expect(item[key] != nil && item[key] != .null, "\(item)") }
        }
        #expect(try fixture.items(report["bounds"]).count == 2)
    }

    @Test(.timeLimit(.minutes(2))) func `a server that refuses is not measured`() throws {
        let fixture = try AgentFixture(files: [
            "server.py": Self.server.replacing("\"result\": {\"content\": []}", with: "\"error\": {\"code\": -1, \"message\": \"no\"}")
        ])
        let ended = try fixture.glovebox(Self.words)
        #expect(ended.code == 125 && ended.errorOutput.contains("did not answer with a result"), "\(ended.code) \(ended.errorOutput)")
        #expect(try fixture.glovebox(["bench", "mcp", "--calls", "1"]).code == 64)
        #expect(try fixture.glovebox(["bench", "mpc"]).errorOutput.contains("did you mean `mcp`?"))
    }
}
