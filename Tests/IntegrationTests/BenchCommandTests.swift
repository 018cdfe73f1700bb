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
        // One round is too few to be judged good.
        #expect(ended.code == 75, "\(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        #expect(report["schema"] == .string("glovebox.bench/1") && report["noisy"] == .bool(true))
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

    private func cases(_ report: JSONValue, _ fixture: AgentFixture) throws -> [String: JSONValue] {
        #expect(report["schema"] == .string("glovebox.bench/1"))
        var result: [String: JSONValue] = [:]
        for item in try fixture.items(report["cases"]) {
            for key in ["n", "min_us", "median_us", "p95_us", "p99_us", "ratio"] {
                #expect(item[key] != nil && item[key] != .null, "\(key) in \(item)")
            }
            guard case .string(let name)? = item["name"] else { continue }
            result[name] = item
        }
        return result
    }

    private func notMeasured(_ report: JSONValue, _ fixture: AgentFixture) throws -> [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        for item in try fixture.items(report["not_measured"]) {
            if case .string(let name)? = item["name"], item["why"] != .string("") { result[name] = item["state"] }
        }
        return result
    }

    @Test(.timeLimit(.minutes(2))) func `bench launch has every case, measured or with its reason`() throws {
        let fixture = try AgentFixture()
        let picture = fixture.scratch.path + "/launch.svg"
        let ended = try fixture.glovebox(["bench", "launch", "--rounds", "3", "--json", "--plot", picture])
        // Three rounds are too few to be judged good.
        #expect(ended.code == 75, "\(ended.code) \(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        let measured = try cases(report, fixture)
        for name in [
            "bare", "cold", "template", "prepared", "python-bare", "python-cold", "file-read-cold", "file-read-parked", "glovebox-command",
            "glovebox-command-served",
        ] {
            #expect(measured[name]?["n"] == .int(3), "\(name): \(ended.output)")
        }
        #expect(measured["bare"]?["ratio"] == .int(1))
        let rest = try notMeasured(report, fixture)
        for name in ["python-parked", "bwrap", "nsjail", "sandlock", "firejail", "runc", "crun"] {
            #expect((measured[name] == nil) != (rest[name] == nil), "\(name)")
        }
        #expect(report["noisy"] == .bool(true))
        #expect(try HostFile.text(picture).hasPrefix("<svg "))
    }

    @Test(.timeLimit(.minutes(2))) func `bench overhead times the same work inside and outside`() throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(["bench", "overhead", "--rounds", "2", "--only", "files,getppid", "--json"])
        #expect(ended.code == 75, "\(ended.code) \(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        let measured = try cases(report, fixture)
        for name in ["files-bare", "files-inside", "getppid-bare", "getppid-inside"] { #expect(measured[name]?["n"] == .int(2), "\(name)") }
        #expect(measured["cpu-bare"] == nil)
    }

    @Test(.timeLimit(.minutes(2))) func `bench throughput counts launches and what is held`() throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(["bench", "throughput", "--seconds", "1", "--callers", "2", "--json"])
        #expect([0, 75].contains(ended.code), "\(ended.code) \(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        #expect(Set(try cases(report, fixture).keys) == ["bare", "sealed"])
        for key in ["bare_per_second", "sealed_per_second", "part", "launches", "held_before", "held_after"] {
            #expect(report["throughput"]?[key] != nil, "\(key)")
        }
        #expect(report["throughput"]?["held_after"]?["zombies"] == .int(0))
    }

    @Test(.timeLimit(.minutes(2))) func `bench quantum tells a turn apart by its parts`() throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(["bench", "quantum", "--rounds", "2", "--json"])
        #expect(ended.code == 75, "\(ended.code) \(ended.errorOutput)")
        let report = try fixture.parse(ended.output)
        #expect(Set(try cases(report, fixture).keys) == ["fresh-process", "records-alone", "sealed-read"])
        #expect(try fixture.items(report["parts"]).count > 20)
    }
}
