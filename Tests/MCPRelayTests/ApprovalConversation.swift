import LibOSModel
import MCPApproval
import MCPRelay
import ModelContextProtocol
import SQLiteRuntimeStore
import StrictJSON
import Synchronization
import Testing

/// A client in conversation with a relay whose gate decides for good; the server is what the test says.
final class ApprovalConversation: Sendable {
    final class HandClock: RuntimeClock {
        let seconds = Mutex<Double>(0)
        func now() -> Timestamp { SystemClock().now().adding(seconds: seconds.withLock { $0 }) }
    }

    let fixture: GateFixture
    let clock = HandClock()
    private let engine: Mutex<RelayEngine>

    init(_ fixture: GateFixture, gate: RuntimeToolGate? = nil, limits: RelayLimits = RelayLimits(silence: nil)) {
        self.fixture = fixture
        engine = Mutex(RelayEngine(gate: gate ?? fixture.gate(), limits: limits, clock: clock))
    }

    struct Said: Sendable {
        var toClient: [String]
        var toServer: [String]
        var value: JSONValue? { toClient.first.flatMap(ApprovalConversation.json) }
        /// The decision, or the rule of the denial, in the facts of a refusal.
        var decision: JSONValue? { value?["result"]?["_meta"]?[Reply.factsKey]?["decision"] }
        var rule: JSONValue? { value?["result"]?["_meta"]?[Reply.factsKey]?["denial"]?["rule"] }
    }

    private func turn(_ body: @escaping @Sendable (inout RelayEngine) -> Void) async -> Said {
        await GateFixture.onThread { [self] in
            engine.withLock { engine in
                body(&engine)
                defer { (engine.toClient, engine.toServer) = ([], []) }
                return Said(toClient: Self.lines(engine.toClient), toServer: Self.lines(engine.toServer))
            }
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [String] { bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) } }

    static func json(_ text: String) -> JSONValue? {
        try? JSONDocument.value(of: Array(text.utf8), bounds: DocumentBounds(bytes: 1 << 20, depth: 64, nodes: 10_000))
    }

    @discardableResult func client(_ text: String, at now: UInt64 = 1_000) async -> Said {
        await turn { $0.fromClient(.line(Array(text.utf8)), now: now) }
    }
    @discardableResult func server(_ text: String) async -> Said { await turn { $0.fromServer(.line(Array(text.utf8)), now: 1_000) } }
    func expire(at now: UInt64) async -> Said { await turn { $0.expire(now: now, heard: now) } }
    func nextExpiry() -> UInt64? { engine.withLock { $0.nextExpiry(heard: 0) } }
    func serverEnded() async -> Said { await turn { $0.serverEnded("it exited", hadRest: false) } }

    /// The handshake of a client that declares this.
    func shakeHands(_ capabilities: String = #"{"elicitation":{}}"#, version: String = "2025-11-25") async {
        await client(
            #"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"\#(version)","capabilities":\#(capabilities),"clientInfo":{"name":"tester","version":"1"}}}"#
        )
        await server(#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"\#(version)","capabilities":{"tools":{}}}}"#)
    }

    /// A call of 2026-07-28.
    static func modern(_ id: Int, _ name: String, _ arguments: String = "{}", _ more: String = "", forms: Bool = true) -> String {
        let capabilities = forms ? #"{"elicitation":{"form":{}}}"# : "{}"
        return
            #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)","arguments":\#(arguments)\#(more),"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"tester","version":"1"},"io.modelcontextprotocol/clientCapabilities":\#(capabilities)}}}"#
    }

    static func retry(_ state: String, _ answer: String = #"{"action":"accept","content":{"decision":"allow_once"}}"#) -> String {
        #","inputResponses":{"glovebox-approval":\#(answer)},"requestState":"\#(state)""#
    }

    func requests() async throws -> [HumanRequest] {
        let process = fixture.process
        return try await fixture.records.store.read { store throws(LibOSError) in
            try store.humanRequests(status: nil, process: process)
        }
    }
}
