internal import Benchmarking
internal import LinuxPrimitives
internal import StrictJSON

/// The bare server and the relayed one, asked in turn.
struct BenchMCPRun {
    let bare: BenchedServer
    let relayed: BenchedServer
    let tool: String
    /// Throws when the run is to end.
    let check: () throws -> Void
    private(set) var cases: [BenchCase] = []
    private(set) var noise = NoiseVerdict()

    private static let warmUp = 200

    init(bare: BenchedServer, relayed: BenchedServer, tool: String, check: @escaping () throws -> Void) {
        self.bare = bare
        self.relayed = relayed
        self.tool = tool
        self.check = check
    }

    func value(_ name: String) -> BenchCase? { cases.first { $0.name == name } }

    func ping(_ id: Int) -> [UInt8] { Array("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"ping\"}\n".utf8) }

    func call(_ id: Int) -> [UInt8] {
        let name = JSONValue.string(tool).canonicalText
        return Array(
            "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"tools/call\",\"params\":{\"name\":\(name),\"arguments\":{\"text\":\"hello\"}}}\n"
                .utf8)
    }

    func begin() throws {
        let hello =
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#
            + #""clientInfo":{"name":"glovebox bench","version":"1"}}}"#
        for server in [bare, relayed] {
            _ = try server.roundTrip(Array((hello + "\n").utf8))
            try server.tell(Array("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n".utf8))
        }
    }

    mutating func latency(_ name: String, _ count: Int, _ line: (BenchMCPRun, Int) -> [UInt8]) throws {
        var (alone, sealed): ([UInt64], [UInt64]) = ([], [])
        for round in 0..<(count + Self.warmUp) {
            if round % 256 == 0 { try check() }
            let message = line(self, round + 1)
            // In turn, and either of them first as often as the other: a slow moment hits both.
            var took: (UInt64, UInt64) = (0, 0)
            if round % 2 == 0 { took.0 = try bare.roundTrip(message) }
            took.1 = try relayed.roundTrip(message)
            if round % 2 == 1 { took.0 = try bare.roundTrip(message) }
            guard round >= Self.warmUp else { continue }
            alone.append(took.0)
            sealed.append(took.1)
        }
        let (first, second) = (BenchCase("\(name) bare", nanoseconds: alone), BenchCase("\(name) relayed", nanoseconds: sealed))
        cases += [first, second, BenchCase("\(name) added", adding: second, to: first)]
        let base = Self.measurement(first.name, alone)
        noise.look(forDriftOf: base)
        noise.look(atSteadinessOf: Self.measurement(second.name, sealed), beside: base)
    }

    mutating func throughput(_ name: String, _ count: Int, rounds: Int, window: Int, _ line: (BenchMCPRun, Int) -> [UInt8]) throws {
        let lines = (1...count).map { line(self, $0) }
        var (alone, sealed): ([UInt64], [UInt64]) = ([], [])
        for round in 0..<rounds + 1 {
            try check()
            let took = (try bare.pipeline(lines, window: window), try relayed.pipeline(lines, window: window))
            if round == 0 { continue } // warms up
            alone.append(took.0 / UInt64(count))
            sealed.append(took.1 / UInt64(count))
        }
        var first = BenchCase("\(name) pipelined, bare", nanoseconds: alone)
        var second = BenchCase("\(name) pipelined, relayed", nanoseconds: sealed)
        (first.n, second.n) = (count, count)
        // Of the best rounds: what disturbed one of them is nobody's cost.
        second.ratio = second.min > 0 ? first.min / second.min : nil
        cases += [first, second]
        noise.look(atRoundsOf: Self.measurement(first.name, alone))
    }

    /// What the machine did around the run.
    mutating func look(at watch: MachineWatch) { watch.judge(&noise) }

    private static func measurement(_ name: String, _ nanoseconds: [UInt64]) -> Measurement {
        Measurement(name: name, times: nanoseconds.map { Double($0) / 1000 })
    }
}
