import LibOSModel
import MCPRelay
import ModelContextProtocol
import Synchronization

/// A gate during whose first decision somebody tells the relay to end.
final class StoppingGate: ToolGate {
    let stop = Mutex<(@Sendable () -> Void)?>(nil)
    let count = Mutex(0)
    private let inner = RecordingGate()

    func decide(_ call: ToolCall) -> GateVerdict {
        stop.withLock { $0 }?()
        count.withLock { $0 += 1 }
        return inner.decide(call)
    }

    func shown(_ tools: [ToolDefinition]) -> [ToolDefinition]? { nil }
    func ended(_ ticket: CallTicket, _ end: CallEnd) {}
    func noted(_ note: RelayNote) {}
}
