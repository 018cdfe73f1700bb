import AgentRuntime
import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import LinuxPrimitives
import MCPRelay
import ModelContextProtocol
import SQLiteRuntimeStore
import SandboxPolicy
import SandboxTestSupport
import StrictJSON
import Synchronization
import Testing

/// A session of the server `files` with its records, and a person who answers.
final class GateFixture: Sendable {
    let records: HeldStore
    let runtime: AgentRuntime
    let process: ProcessID
    let policy: ResolvedPolicy
    let said = Mutex<[String]>([])
    let saved = Mutex<[JSONValue]>([])

    private struct NoTools: ToolDirectory {
        func staticTool(named name: String) -> ToolID? { nil }
    }

    /// - Parameters:
    ///   - rules: of the policy, as it writes them.
    ///   - given: on the command line: `allow mcp:files:x`.
    ///   - more: top-level lines of the policy.
    init(_ rules: [String] = [], given: [String] = [], more: String = "") async throws {
        records = try HeldStore()
        runtime = AgentRuntime(store: records.store, tools: NoTools())
        try await runtime.start()
        let policy = try TestPolicies.inline(rules, more: more)
        self.policy = policy
        let terms = try given.map { text in
            let words = text.split(separator: " ").map(String.init)
            return CapabilityTerms(
                resource: try Resource.parse(words[1]), rights: [.execute], effect: try #require(Effect(rawValue: words[0])))
        }
        let processes = runtime.processes
        process = try await records.store.write { transaction throws(LibOSError) in
            try SessionProcess.begin(server: "files", command: ["server"], policy: policy, given: terms, processes, in: transaction)
        }
    }

    func gate(pins: JSONValue? = nil, hidesDenied: Bool = false) -> RuntimeToolGate {
        RuntimeToolGate(
            .init(
                process: process, resources: ToolResource(server: "files", workspace: "/work"), policy: policy, policyHash: policy.hash,
                hidesDenied: hidesDenied, storeWords: " --workspace /work"),
            records: records, pins: ToolPins(pins) { [self] content in saved.withLock { $0.append(content) } }
        ) { [self] line in said.withLock { $0.append(line) } }
    }

    /// The gate waits for the store, which the threads of tests must not.
    static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            precondition(DetachedThread.start { continuation.resume(returning: body()) }, "no thread for a test")
        }
    }

    /// `pass`, or the decision in the facts of a refusal with the word of its layer.
    func decide(_ gate: RuntimeToolGate, _ name: String, _ arguments: JSONValue = .object([])) async -> String {
        switch await Self.onThread({ gate.decide(ToolCall(name: name, arguments: arguments)) }) {
        case .pass: return "pass"
        case .ask: return "ask"
        case .refuse(_, let facts):
            if case .string(let layer)? = facts["denial"]?["layer"] { return "deny \(layer)" }
            if case .string(let word)? = facts["decision"] { return word }
            return "?"
        }
    }

    func answer(_ isApproved: Bool) async throws {
        for request in try await runtime.pendingRequests() {
            _ = try await runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: isApproved, reason: "as I see it"))
        }
    }

    func audits(_ action: String) async throws -> [AuditEntry] {
        try await records.store.read { store throws(LibOSError) in try store.audit(AuditQuery(action: action, limit: 1000)) }.map(\.entry)
    }
}
