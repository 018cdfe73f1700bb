import LibOSModel
import MCPRelay
import ModelContextProtocol
import StrictJSON
import Synchronization

/// A gate that lets through what it is told to, and remembers what it was told.
final class RecordingGate: ToolGate {
    struct State {
        var decided: [ToolCall] = []
        var ended: [(tool: String, end: CallEnd)] = []
        var notes: [RelayNote] = []
    }

    let state = Mutex(State())
    private let refused: Set<String>
    private let replacement: [ToolDefinition]?

    init(refused: Set<String> = [], replacement: [ToolDefinition]? = nil) {
        self.refused = refused
        self.replacement = replacement
    }

    func decide(_ call: ToolCall) -> GateVerdict {
        state.withLock { $0.decided.append(call) }
        if refused.contains(call.name) { return .refuse(text: "no \(call.name)", facts: .object(["decision": .string("deny")])) }
        return .pass(CallTicket(id: .new(), resource: "mcp:s:\(call.name)", tool: call.name, intent: nil, argumentsHash: ""))
    }

    func shown(_ tools: [ToolDefinition]) -> [ToolDefinition]? { replacement }
    func ended(_ ticket: CallTicket, _ end: CallEnd) { state.withLock { $0.ended.append((ticket.tool, end)) } }
    func noted(_ note: RelayNote) { state.withLock { $0.notes.append(note) } }

    var outcomes: [String] { state.withLock { $0.ended.map { "\($0.tool) \($0.end.outcome.rawValue)" } } }
    var drops: [String] {
        state.withLock { state in
            state.notes.compactMap { if case .dropped(let drop, let side, _) = $0 { "\(side.rawValue) \(drop.rawValue)" } else { nil } }
        }
    }
}
