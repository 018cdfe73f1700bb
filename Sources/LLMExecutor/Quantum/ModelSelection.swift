internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

/// Getting one valid action: asking, understanding, and asking again with the reason when the answer was none.
extension QuantumExecutor {
    enum Selected {
        /// And whether interrupts had come by the time that the model answered.
        case action(Selection, hasInterrupts: Bool)
        /// The process was ended because a budget is used up.
        case overBudget(LibOSError)
    }

    /// - Parameter opened: the record of the first attempt.
    func select(_ turn: Turn, _ opened: ModelCallRecord) async throws -> Selected {
        var last: ActionProblem?
        for attempt in 1...settings.attempts {
            var messages = turn.messages
            // Made anew from the original request each time: mistakes do not pile up, and the model's own words do not return to it.
            if let last { messages.append(ModelMessage(.user, UserPrompt.repair(last.message, tools: turn.tools.map(\.name)))) }
            let (completion, standing): (ModelCompletion, Standing)
            switch try await ask(turn, messages, attempt: attempt, attempt == 1 ? opened : nil) {
            case .completion(let given, let found): (completion, standing) = (given, found)
            case .overBudget(let error): return .overBudget(error)
            }
            do throws(ActionProblem) {
                let action = try settings.parser.action(from: completion)
                guard standing.tools.contains(action.name) else {
                    throw ActionProblem("there is no function `\(printable(action.name))` for this process")
                }
                let selection = Selection(
                    action: action, contentPreview: settings.preview(completion.content), toolCallCount: Int64(completion.toolCalls.count))
                return .action(selection, hasInterrupts: standing.hasInterrupts)
            } catch {
                last = error
                try await recordRepair(error, completion, attempt: attempt, of: turn.process)
            }
        }
        throw last ?? ActionProblem("the model was never asked")
    }

    // MARK: - One recorded call

    private enum Asked {
        case completion(ModelCompletion, Standing)
        case overBudget(LibOSError)
    }

    /// The process as it is once the model has answered: both may have changed while it thought.
    private struct Standing: Sendable {
        var tools: Set<String>
        var hasInterrupts: Bool
    }

    /// The record is there before the model is asked, and closed with what came of it.
    private func ask(
        _ turn: Turn, _ messages: [ModelMessage], attempt: Int, _ opened: ModelCallRecord?
    ) async throws -> Asked {
        var record: ModelCallRecord
        if let opened {
            record = opened
        } else {
            let opening = try await runtime.store.write { transaction throws(LibOSError) in
                try open(turn, messages, attempt: attempt, in: transaction)
            }
            switch opening {
            case .opened(let opened): record = opened
            case .overBudget(let error): return .overBudget(error)
            }
        }
        let completion: ModelCompletion
        do throws(ModelError) {
            completion = try await client.complete(ModelRequest(messages: messages, tools: turn.tools, process: turn.process.text))
        } catch {
            record.status = .error
            record.error = error.message
            _ = try await close(record, charging: 0)
            throw error
        }
        record.status = .ok
        record.api = completion.api
        record.model = completion.model
        record.requestID = completion.requestID
        record.responseID = completion.responseID
        record.responseContent = completion.content
        record.toolCalls = .array(completion.toolCalls.map(\.json))
        record.reasoning = completion.reasoning
        record.usage = completion.usage
        record.rawResponse = completion.raw
        switch try await close(record, charging: Self.tokens(completion.usage)) {
        case .standing(let standing): return .completion(completion, standing)
        case .overBudget(let error): return .overBudget(error)
        }
    }

    enum Opened: Sendable {
        case opened(ModelCallRecord)
        case overBudget(LibOSError)
    }

    /// Charges one model call and puts down what is asked. A process that has no call left ends.
    func open(
        _ turn: Turn, _ messages: [ModelMessage], attempt: Int, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Opened {
        do throws(LibOSError) {
            try transaction.charge(1, of: .modelCalls, to: turn.process)
        } catch {
            guard error.code == .limit else { throw error }
            try runtime.processes.end(turn.process, overBudget: .modelCalls, in: transaction)
            return .overBudget(error)
        }
        let options: JSONValue = .object([
            "attempt": .int(Int64(attempt)), "max_attempts": .int(Int64(settings.attempts)), "purpose": .string("action_selection"),
            "client_class": .string(client.name), "real_llm_client": .bool(client.isRealModel),
        ])
        let record = ModelCallRecord(
            process: turn.process, image: turn.image.id, messages: .array(messages.map(\.json)), tools: .array(turn.tools.map(\.json)),
            requestOptions: options, createdAt: transaction.now)
        try transaction.insert(record)
        return .opened(record)
    }

    private enum Closed: Sendable {
        case standing(Standing)
        case overBudget(LibOSError)
    }

    /// Closes a record and charges what the answer cost. An answer that goes over the budget is not carried out.
    private func close(_ record: ModelCallRecord, charging tokens: Int64) async throws(LibOSError) -> Closed {
        let processes = runtime.processes
        return try await runtime.store.write { transaction throws(LibOSError) in
            var closed = record
            closed.completedAt = transaction.now
            try transaction.update(closed)
            do throws(LibOSError) {
                try transaction.charge(tokens, of: .modelTokens, to: record.process)
            } catch {
                guard error.code == .limit else { throw error }
                try processes.end(record.process, overBudget: .modelTokens, in: transaction)
                return .overBudget(error)
            }
            return .standing(
                Standing(
                    tools: Set(try transaction.existingProcess(record.process).toolTable.keys),
                    hasInterrupts: try Self.hasInterrupts(record.process, in: transaction)))
        }
    }

    static func tokens(_ usage: JSONValue) -> Int64 {
        func amount(_ key: String) -> Int64 { if case .int(let value)? = usage[key] { max(0, value) } else { 0 } }
        let total = amount("total_tokens")
        if total > 0 { return total }
        // A server's numbers are a stranger's: a sum that is too large is the largest there is, never a negative one.
        let (sum, overflow) = amount("prompt_tokens").addingReportingOverflow(amount("completion_tokens"))
        return overflow ? .max : sum
    }

    private func recordRepair(
        _ problem: ActionProblem, _ completion: ModelCompletion, attempt: Int, of id: ProcessID
    ) async throws(LibOSError) {
        let calls = completion.toolCalls.map { call -> JSONValue in
            let (type, text): (String, String) =
                switch call.arguments {
                case .missing: ("missing", "")
                case .text(let text): ("string", text)
                case .value(let value): (value.kindName, value.canonicalText)
                }
            return .object([
                "id": .optional(call.id), "call_id": .optional(call.callID), "name": .optional(call.name), "arguments_type": .string(type),
                "arguments_preview": .string(settings.preview(text)),
            ])
        }
        let decision: JSONValue = .object([
            "attempt": .int(Int64(attempt)), "error": .string(problem.message), "tool_call_count": .int(Int64(completion.toolCalls.count)),
            "tool_calls_preview": .array(calls), "content_preview": .string(settings.preview(completion.content)),
        ])
        try await runtime.store.write { transaction throws(LibOSError) in
            _ = try transaction.append(
                AuditEntry(actor: id.text, action: "llm.action_repair_requested", target: "process:\(id)", decision: decision))
        }
    }
}
