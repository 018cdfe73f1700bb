import AgentRuntime
import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import MCPServer
import SQLiteRuntimeStore
import SandboxPolicy
import SandboxTestSupport
import StrictJSON

/// Asks a person before each call, in a real store: `asks` about a file of the workspace, `slow` about the network.
final class AskingToolCaller: ToolCaller {
    let store: SQLiteRuntimeStore
    let process: ProcessID
    let policy: ResolvedPolicy
    let runtime: AgentRuntime

    private struct NoTools: ToolDirectory {
        func staticTool(named name: String) -> ToolID? { nil }
    }

    init(more: String = "") async throws {
        store = try SQLiteRuntimeStore.inMemory()
        runtime = AgentRuntime(store: store, tools: NoTools())
        try await runtime.start()
        policy = try TestPolicies.inline([], more: more)
        let (processes, policy) = (runtime.processes, policy)
        process = try await store.write { transaction throws(LibOSError) in
            try ServedSession.begin(
                tools: [:], policy: policy, rights: SessionRights(policy: policy, given: []), processes, in: transaction)
        }
    }

    func answering(_ principal: String = "stdio", patience: Duration = .seconds(3_600), clock: any RuntimeClock = SystemClock())
        -> FormAnswering
    {
        FormAnswering(
            .init(process: process, policy: policy, principal: principal), store: store, broker: runtime.authority.broker,
            patience: patience, clock: clock)
    }

    func call(_ name: String, _ arguments: JSONValue, progress: @escaping CallProgressHandler) async -> CallReply {
        do {
            let resource = try Resource.parse(name == "asks" ? "filesystem:workspace:a" : "network:tcp:example.org:443")
            let rights: Set<CapabilityRight> = name == "asks" ? [.write] : [.connect]
            let approval = ApprovalRequest(
                tool: name, arguments: arguments, actionHash: SHA256Text.of(name + arguments.canonicalText), policyHash: policy.hash,
                needs: [NeededRight(resource: resource, rights: rights)], rules: ["a rule"])
            let (process, humans) = (process, runtime.humans)
            let (open, isNew) = try await store.write { transaction throws(LibOSError) -> (HumanRequest, isNew: Bool) in
                for var request in try transaction.humanRequests(status: nil, process: process) {
                    guard case .approval(let asked, _) = request.content, asked.actionHash == approval.actionHash else { continue }
                    if request.status == .rejected { return (request, false) }
                    guard request.status == .approved else { continue }
                    let found = request
                    request.status = .used
                    try transaction.update(request)
                    return (found, false)
                }
                let known = try transaction.humanRequests(status: .pending, process: process).map(\.id)
                let request = try humans.requestApproval(approval, of: process, in: transaction)
                return (request, !known.contains(request.id))
            }
            switch open.status {
            case .approved: return .done(FakeToolCaller.answer(arguments, isError: false))
            case .rejected: return .done(FakeToolCaller.answer(.string("rejected"), isError: true))
            default:
                let command = "glovebox human approve \(open.id)"
                return .question(
                    PendingQuestion(
                        request: open.id.text, tool: name, arguments: arguments, command: command,
                        unanswered: CallAnswer(
                            isError: true, content: .object(["error": .string(command)]), facts: .object(["decision": .string("ask")])),
                        isNew: isNew))
            }
        } catch {
            return .done(FakeToolCaller.answer(.string("\(error)"), isError: true))
        }
    }

    func statuses() async throws -> [HumanRequest.Status] {
        let process = process
        return try await store.read { store throws(LibOSError) in try store.humanRequests(status: nil, process: process) }.map(\.status)
    }

    func audits(_ action: String) async throws -> [AuditEntry] {
        try await store.read { store throws(LibOSError) in try store.audit(AuditQuery(action: action, limit: 100)) }.map(\.entry)
    }
}
