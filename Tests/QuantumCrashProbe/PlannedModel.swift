internal import LLMExecutor
internal import LibOSModel
internal import StrictJSON

/// Chooses the next action of a plan: the one after those that its process has completed, as a model would that reads its records.
struct PlannedModel: ModelClient {
    let name = "PlannedModel"
    let isRealModel = false
    private let scenario: CrashScenario
    private let store: any RuntimeStore

    init(_ scenario: CrashScenario, store: any RuntimeStore) {
        self.scenario = scenario
        self.store = store
    }

    func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
        do throws(LibOSError) {
            let scenario = scenario
            let action = try await store.read { store throws(LibOSError) in
                guard let id = ProcessID(request.process) else { throw .notFound("process") }
                let process = try store.existingProcess(id)
                let completed = try store.audit(AuditQuery(actor: id.text, action: "llm.action", limit: .max))
                    .filter { $0.entry.action == "llm.action" }.count
                let part = scenario.parts[process.parent == nil ? "root" : "child"] ?? []
                guard completed < part.count else { throw .notFound("action \(completed)") }
                var action = part[completed]
                let child = try store.children(of: id).first?.id
                action.arguments = filled(action.arguments, ["{child}": child?.text, "{parent}": process.parent?.text])
                return action
            }
            return ModelCompletion(
                toolCalls: [ModelToolCall(name: action.tool, arguments: .value(action.arguments))],
                usage: .object(["total_tokens": .int(3)]))
        } catch {
            throw ModelError(.configuration, error.description)
        }
    }
}

private func filled(_ arguments: JSONValue, _ values: [String: String?]) -> JSONValue {
    guard case .object(let members) = arguments else { return arguments }
    return .object(
        members.map { member in
            guard case .string(let text) = member.value, let value = values[text] ?? nil else { return member }
            return JSONMember(member.key, .string(value))
        })
}
