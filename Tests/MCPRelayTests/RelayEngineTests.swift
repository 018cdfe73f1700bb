import ModelContextProtocol
import SandboxLauncher
import StrictJSON
import Synchronization
import TestSupport
import Testing

@testable import MCPRelay

/// An engine with what went to each side so far.
struct EngineFixture {
    var engine: RelayEngine
    let gate: RecordingGate
    var now: UInt64 = 1_000

    init(_ gate: RecordingGate = RecordingGate(), limits: RelayLimits = RelayLimits()) {
        self.gate = gate
        engine = RelayEngine(gate: gate, limits: limits)
    }

    mutating func client(_ text: String) { engine.fromClient(.line(Array(text.utf8)), now: now) }
    mutating func server(_ text: String) { engine.fromServer(.line(Array(text.utf8)), now: now) }

    mutating func toClient() -> [String] { Self.take(&engine.toClient) }
    mutating func toServer() -> [String] { Self.take(&engine.toServer) }

    private static func take(_ bytes: inout [UInt8]) -> [String] {
        defer { bytes = [] }
        return bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    static func call(_ id: Int, _ name: String, _ arguments: String = "{}") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)","arguments":\#(arguments)}}"#
    }

    static func result(_ id: Int, _ more: String = "") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[{"type":"text","text":"ok"}]\#(more)}}"#
    }
}

@Suite struct RelayEngineTests {
    private static let meta = #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#

    @Test("what need not be touched goes through byte for byte, in both protocol families") func untouched() {
        var fixture = EngineFixture()
        // Each with who says it: the order is that of a conversation.
        let talk: [(isClient: Bool, line: String)] = [
            (
                true,
                #" {"method":"initialize", "jsonrpc":"2.0","id":0,"params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{}}}}"#
            ),
            (false, #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}}}}  "#),
            (true, #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            (true, #"{"jsonrpc":"2.0","id":"l","method":"tools/list","params":{}}"#),
            (false, #"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"a","inputSchema":{"type":"object"}}]}}"#),
            (true, EngineFixture.call(1, "a", #"{"x":1.50,"é":"\u00e9"}"#)),
            (false, #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}}"#),
            (false, #"{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}}"#),
            (true, #"{"jsonrpc":"2.0","id":"s1","result":{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}}"#),
            (false, #"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"Name?"}}"#),
            (true, #"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"declined"}}"#),
            (false, EngineFixture.result(1, #","isError":false"#)),
            (true, #"{"jsonrpc":"2.0","id":2,"method":"server/discover","params":{\#(Self.meta)}}"#),
            (
                false,
                #"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":0,"cacheScope":"private"}}"#
            ),
            (true, #"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a",\#(Self.meta)}}"#),
            (
                false,
                #"{"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{}}},"requestState":"zz"}}"#
            ),
            (
                true,
                #"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"a","inputResponses":{"q":{"action":"accept"}},"requestState":"zz",\#(Self.meta)}}"#
            ),
            (false, #"{"jsonrpc":"2.0","id":4,"result":{"resultType":"complete","content":[]}}"#),
            (true, #"{"jsonrpc":"2.0","id":5,"method":"subscriptions/listen","params":{\#(Self.meta)}}"#),
            (false, #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#),
            (true, #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"enough"}}"#),
            (false, #"{"jsonrpc":"2.0","id":5,"result":{"resultType":"complete"}}"#),
        ]
        for (isClient, line) in talk {
            if isClient { fixture.client(line) } else { fixture.server(line) }
            let (client, server) = (fixture.toClient(), fixture.toServer())
            #expect(isClient ? server == [line] && client.isEmpty : client == [line] && server.isEmpty, "\(line)")
        }
        #expect(fixture.gate.outcomes == ["a completed", "a completed", "a completed"] && fixture.gate.drops.isEmpty)
        #expect(!fixture.engine.hasOpenRequests)
    }

    @Test("a refused call never reaches the server, and is answered so that both families understand it") func refused() throws {
        var fixture = EngineFixture(RecordingGate(refused: ["rm"]))
        fixture.client(EngineFixture.call(1, "rm"))
        fixture.client(#"{"jsonrpc":"2.0","id":"m","method":"tools/call","params":{"name":"rm",\#(Self.meta)}}"#)
        #expect(fixture.toServer().isEmpty)
        let answers = fixture.toClient()
        #expect(answers.count == 2 && answers[0].contains(#""isError":true"#) && answers[0].contains("no rm"))
        #expect(!answers[0].contains("resultType") && answers[1].contains(#""resultType":"complete""#) && answers[1].contains(#""id":"m""#))
    }

    @Test("a call without an id is no notification: it goes nowhere") func callWithoutID() {
        var fixture = EngineFixture()
        fixture.client(#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"rm","arguments":{}}}"#)
        fixture.client(#"{"jsonrpc":"2.0","method":"resources/read","params":{"uri":"file:///x"}}"#)
        #expect(fixture.toServer().isEmpty && fixture.toClient().isEmpty)
        #expect(fixture.gate.state.withLock { $0.decided.isEmpty })
        fixture.client(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        #expect(fixture.toServer().count == 1)
    }

    @Test("a call that cannot be read is an error and not a call") func unreadable() {
        var fixture = EngineFixture()
        for params in [#"{"name":"a","Name":"b"}"#, #"{"name":"a","arguments":{"p":1,"p":2}}"#, #"{}"#] {
            fixture.client(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":\#(params)}"#)
        }
        #expect(fixture.toServer().isEmpty && fixture.gate.state.withLock { $0.decided.isEmpty })
        let answers = fixture.toClient()
        #expect(answers.count == 3 && answers.allSatisfy { $0.contains("-32602") && $0.contains(#""id":1"#) })
    }

    @Test("answers that nobody asked for go nowhere, in either direction") func forged() {
        var fixture = EngineFixture()
        fixture.client(EngineFixture.call(1, "a"))
        fixture.server(EngineFixture.result(2)) // never asked
        fixture.server(#"{"jsonrpc":"2.0","id":"1","result":{}}"#) // another id
        fixture.server(EngineFixture.result(1))
        fixture.server(EngineFixture.result(1)) // answered already
        fixture.server(#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#)
        #expect(fixture.toClient() == [EngineFixture.result(1)])
        fixture.server(#"{"jsonrpc":"2.0","id":9,"method":"roots/list"}"#)
        fixture.server(#"{"jsonrpc":"2.0","id":9,"method":"roots/list"}"#) // the id is taken
        #expect(fixture.toClient().count == 1)
        fixture.client(#"{"jsonrpc":"2.0","id":8,"result":{}}"#)
        #expect(fixture.toServer() == [EngineFixture.call(1, "a")])
        fixture.client(#"{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}"#)
        fixture.client(#"{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}"#)
        #expect(fixture.toServer().count == 1)
        #expect(
            fixture.gate.drops == [
                "server unasked-answer", "server unasked-answer", "server unasked-answer", "server unasked-answer", "server duplicate-id",
                "client unasked-answer", "client unasked-answer",
            ])
    }

    @Test("a request whose id is open already is dropped without an answer") func duplicate() {
        var fixture = EngineFixture(RecordingGate(refused: ["rm"]))
        fixture.client(EngineFixture.call(1, "a"))
        fixture.client(EngineFixture.call(1, "rm"))
        #expect(fixture.toServer().count == 1 && fixture.toClient().isEmpty && fixture.gate.drops == ["client duplicate-id"])
        #expect(fixture.gate.state.withLock { $0.decided.map(\.name) } == ["a"])
    }

    @Test("lines that are no messages are answered or dropped, and several in one are refused") func garbage() {
        var fixture = EngineFixture()
        fixture.client("hello")
        fixture.client("[\(EngineFixture.call(1, "a"))]")
        let answers = fixture.toClient()
        #expect(answers.count == 2 && answers[0].contains("-32700") && answers[1].contains("-32600"))
        fixture.server("Server listening on stdio")
        fixture.server("[\(EngineFixture.result(1))]")
        #expect(fixture.toClient().isEmpty && fixture.toServer().isEmpty)
        #expect(fixture.gate.drops == ["client not-a-message", "client not-a-message", "server not-a-message", "server not-a-message"])
    }

    @Test("a result that is too large becomes one that says so") func large() {
        var fixture = EngineFixture(limits: RelayLimits(resultBytes: 200))
        fixture.client(EngineFixture.call(1, "a"))
        fixture.server(EngineFixture.result(1, #","structuredContent":{"x":"\#(String(repeating: "x", count: 300))"}"#))
        let answer = fixture.toClient()
        #expect(answer.count == 1 && answer[0].contains("result_too_long") && !answer[0].contains("xxx"))
        // Other answers have the bound of a message alone.
        fixture.client(#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"x"}}"#)
        let long = #"{"jsonrpc":"2.0","id":2,"result":{"contents":"\#(String(repeating: "x", count: 300))"}}"#
        fixture.server(long)
        #expect(fixture.toClient() == [long] && fixture.gate.outcomes == ["a result_too_long"])
    }

    @Test("a line without an end answers the request that it names") func endless() {
        var fixture = EngineFixture()
        fixture.client(EngineFixture.call(1, "a"))
        fixture.client(#"{"jsonrpc":"2.0","id":2,"method":"resources/list"}"#)
        fixture.engine.fromServer(.tooLong(head: Array(#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"#.utf8)), now: 1)
        fixture.engine.fromServer(.tooLong(head: Array(#"{"jsonrpc":"2.0","id":2,"result":{"#.utf8)), now: 1)
        fixture.engine.fromServer(.tooLong(head: Array("xxxxxxxx".utf8)), now: 1)
        let answers = fixture.toClient()
        #expect(answers.count == 2 && answers[0].contains("result_too_long") && answers[1].contains("-32003"))
        #expect(fixture.gate.outcomes == ["a result_too_long"] && !fixture.engine.hasOpenRequests)
        fixture.engine.fromClient(.tooLong(head: []), now: 1)
        #expect(fixture.toClient().count == 1 && fixture.toServer().count == 2)
    }

    @Test("the end of the server answers everything that is open") func ended() {
        var fixture = EngineFixture()
        fixture.client(EngineFixture.call(1, "a"))
        fixture.client(#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#)
        fixture.engine.serverEnded("it exited with status 3", hadRest: true)
        let answers = fixture.toClient()
        #expect(answers.count == 2 && answers.allSatisfy { $0.contains("-32000") && $0.contains("it exited with status 3") })
        #expect(fixture.gate.outcomes == ["a server_ended"] && fixture.gate.drops == ["server partial-line"])
        fixture.client(#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#)
        #expect(fixture.toClient().count == 1)
    }

    @Test("silence is answered after its time, counted from the last word; subscriptions may last") func silence() {
        var fixture = EngineFixture(limits: RelayLimits(silence: 100))
        fixture.client(EngineFixture.call(1, "a"))
        fixture.client(#"{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{}}"#)
        _ = fixture.toServer()
        #expect(fixture.engine.nextExpiry(heard: 0) == 1_100 && fixture.engine.nextExpiry(heard: 1_050) == 1_150)
        fixture.engine.expire(now: 1_149, heard: 1_050)
        #expect(fixture.toClient().isEmpty)
        fixture.engine.expire(now: 1_150, heard: 1_050)
        #expect(fixture.toClient().allSatisfy { $0.contains("-32001") && $0.contains(#""id":1"#) })
        #expect(fixture.toServer().allSatisfy { $0.contains("notifications/cancelled") && $0.contains(#""requestId":1"#) })
        #expect(fixture.gate.outcomes == ["a timed_out"] && fixture.engine.nextExpiry(heard: 0) == nil)
        fixture.server(EngineFixture.result(1)) // too late
        #expect(fixture.toClient().isEmpty && fixture.gate.drops == ["server unasked-answer"])
    }

    @Test("a withdrawn call is on record as such, whatever comes of it") func cancelled() {
        var fixture = EngineFixture()
        fixture.client(#"{"jsonrpc":"2.0","id":"x\/1","method":"tools/call","params":{"name":"a"}}"#)
        fixture.client(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x/1"}}"#)
        #expect(fixture.toServer().count == 2)
        fixture.server(#"{"jsonrpc":"2.0","id":"x/1","result":{"content":[]}}"#)
        #expect(fixture.toClient().count == 1 && fixture.gate.outcomes == ["a cancelled"])
    }

    @Test("what the sandbox refuses belongs to the calls that are under way") func violations() throws {
        var fixture = EngineFixture()
        let refused = Violation(
            layer: "seccomp", syscall: "socket", arguments: "AF_INET", pid: 1, program: "x", answer: "EPERM", reason: "r", allowedBy: nil)
        fixture.engine.violated(refused, now: 0)
        fixture.client(EngineFixture.call(1, "a"))
        for _ in 0..<3 { fixture.engine.violated(refused, now: 0) }
        fixture.server(EngineFixture.result(1, #","isError":true"#))
        fixture.client(EngineFixture.call(2, "b"))
        fixture.server(EngineFixture.result(2))
        let ended = fixture.gate.state.withLock { $0.ended }
        #expect(ended.map(\.end.outcome) == [.toolError, .completed] && ended.map(\.end.violations) == [[refused], []])
        #expect(fixture.gate.state.withLock { $0.notes } == [.violation(refused)])
    }

    private static func opening(_ path: String, _ layer: String = "mount-namespace") -> Violation {
        Violation(layer: layer, syscall: "openat", arguments: path, pid: 1, program: "x", answer: "ENOENT", reason: "r", allowedBy: nil)
    }

    @Test("noise of one kind hides nothing of another, and what is left out is said at once and counted at the end") func noise() {
        var fixture = EngineFixture()
        fixture.client(EngineFixture.call(1, "a"))
        for number in 0..<150 { fixture.engine.violated(Self.opening("/root/decoy\(number)"), now: 1) }
        let (key, connect) = (Self.opening("/root/.ssh/key"), Self.opening("1.1.1.1:443", "network"))
        for violation in [key, connect] { fixture.engine.violated(violation, now: 1) }
        fixture.server(EngineFixture.result(1))
        let kind = "violation mount-namespace"
        var notes = fixture.gate.state.withLock { $0.notes }
        #expect(notes.count == 128 + 1 + 2)
        #expect(Array(notes.dropFirst(128)) == [.violationsLeftOut(nil, of: kind), .violation(key), .violation(connect)])
        fixture.engine.conclude()
        notes = fixture.gate.state.withLock { $0.notes }
        #expect(notes.last == .violationsLeftOut(22, of: kind) && notes.count == 128 + 1 + 2 + 1)
        let end = fixture.gate.state.withLock { $0.ended.last?.end }
        #expect(end?.violations.count == 16 && end?.violations.suffix(2) == [key, connect] && end?.violationsLeftOut == 136)
    }

    @Test("a refusal that comes again and again uses nothing up, and in time more is noted") func hours() {
        var fixture = EngineFixture()
        for second in 0..<10_000 { fixture.engine.violated(Self.opening("/root/same"), now: UInt64(second) * 1_000_000_000) }
        #expect(fixture.gate.state.withLock { $0.notes.count } == 1)
        let after = 10_000 * UInt64(1_000_000_000)
        for number in 0..<500 { fixture.engine.violated(Self.opening("/root/\(number)"), now: after) }
        #expect(fixture.gate.state.withLock { $0.notes.count } == 1 + 128 + 1)
        let late = Self.opening("/root/late")
        fixture.engine.violated(late, now: after + 61_000_000_000)
        #expect(fixture.gate.state.withLock { $0.notes.last } == .violation(late))
    }

    @Test("what comes faster than it is taken is counted by kind") func lost() {
        var waiting = WaitingViolations()
        for number in 0..<1000 { for _ in 0..<2 { waiting.add(Self.opening("/root/\(number)")) } }
        let connect = Self.opening("1.1.1.1:443", "network")
        waiting.add(connect)
        #expect(waiting.violations.count == 257 && waiting.violations.last == connect)
        #expect(waiting.lost == ["violation mount-namespace": 2 * 744])
        var fixture = EngineFixture()
        fixture.client(EngineFixture.call(1, "a"))
        for _ in 0..<2 { fixture.engine.violationsLost(744, kind: "violation mount-namespace") }
        fixture.server(EngineFixture.result(1))
        fixture.engine.conclude()
        #expect(fixture.gate.state.withLock { $0.ended.last?.end.violationsLeftOut } == 1488)
        let kind = "violation mount-namespace"
        #expect(fixture.gate.state.withLock { $0.notes } == [.violationsLeftOut(nil, of: kind), .violationsLeftOut(1488, of: kind)])
    }

    @Test("open requests are bounded") func bounded() {
        var fixture = EngineFixture(limits: RelayLimits(openRequests: 2))
        for id in 0..<4 { fixture.client(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#) }
        #expect(fixture.toServer().count == 2 && fixture.toClient().allSatisfy { $0.contains("-32002") })
        for id in 0..<3 { fixture.server(#"{"jsonrpc":"2.0","id":\#(id),"method":"roots/list"}"#) }
        #expect(fixture.toClient().count == 2 && fixture.toServer().allSatisfy { $0.contains("-32002") })
    }

    @Test("a flood is noted as a flood") func flood() {
        var fixture = EngineFixture()
        for _ in 0..<1000 { fixture.server("noise") }
        fixture.engine.conclude()
        #expect(fixture.gate.drops.count == 32)
        #expect(fixture.gate.state.withLock { $0.notes.last } == .suppressed(968, of: "server not-a-message"))
    }

    @Test("a list is shown as the gate says; one that cannot be read is not shown") func lists() {
        let tool = ToolDefinition(name: "a", content: .object(["name": .string("a"), "description": .string("old")]))
        var fixture = EngineFixture(RecordingGate(replacement: [tool]))
        fixture.client(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        fixture.server(#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","description":"new"},{"name":"b"}],"ttlMs":0}}"#)
        #expect(
            fixture.toClient() == [#"{"id":1,"jsonrpc":"2.0","result":{"tools":[{"description":"old","name":"a"}],"ttlMs":0}}"#])
        fixture.client(#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#)
        fixture.server(#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a"},{"name":"a"}]}}"#)
        #expect(fixture.toClient().allSatisfy { $0.contains("-32603") } && fixture.gate.drops == ["server unreadable-list"])
    }

    @Test("whatever both sides say, no refused call passes, and each request has one answer at most", arguments: 0..<30)
    func fuzz(_ seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var fixture = EngineFixture(RecordingGate(refused: ["bad"]), limits: RelayLimits(openRequests: 8, silence: 50))
        var answered: [String: Int] = [:]
        var asked: [String: Int] = [:]
        for step in 0..<400 {
            fixture.now = 1_000 + UInt64(step)
            let id = Int.random(in: 0..<12, using: &random)
            var line: String
            switch Int.random(in: 0..<7, using: &random) {
            case 0: line = EngineFixture.call(id, "good")
            case 1: line = EngineFixture.call(id, "bad")
            case 2: line = EngineFixture.result(id)
            case 3: line = #"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#
            case 4: line = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#
            case 5: line = #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":1,"message":"m"}}"#
            default: line = #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/list"}"#
            }
            if Bool.random(using: &random), Bool.random(using: &random) {
                let at = line.utf8.index(line.startIndex, offsetBy: Int.random(in: 0..<line.utf8.count, using: &random))
                line.replaceSubrange(at...at, with: ["\"", "{", "}", "\\", "x"].randomElement(using: &random) ?? "")
            }
            if Bool.random(using: &random) {
                fixture.client(line)
                if case .request(let id, _)? = try? Message.read(Array(line.utf8)).kind { asked[id.text, default: 0] += 1 }
            } else {
                fixture.server(line)
            }
            fixture.engine.expire(now: fixture.now, heard: fixture.now - 40)
            for sent in fixture.toServer() {
                guard let message = try? Message.read(Array(sent.utf8)) else {
                    Issue.record("passed to the server: \(sent)")
                    continue
                }
                if case .request(_, "tools/call") = message.kind { #expect(!sent.contains(#""bad""#)) }
            }
            for sent in fixture.toClient() {
                guard let message = try? Message.read(Array(sent.utf8)) else {
                    Issue.record("passed to the client: \(sent)")
                    continue
                }
                switch message.kind {
                case .result(let id), .error(.some(let id)): answered[id.text, default: 0] += 1
                default: break
                }
            }
            for (id, count) in answered { #expect(count <= asked[id, default: 0], "\(id)") }
        }
    }
}
