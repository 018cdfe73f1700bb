internal import CapabilityBroker
internal import LibOSModel
internal import SandboxLauncher
internal import StrictJSON

extension ToolBroker {
    /// The second transaction: outcome, result object, events, audit, and what the call used.
    func close(
        _ call: PreparedCall, _ outcome: CallOutcome, _ ending: CallEnding?
    ) async throws(LibOSError) -> Completion<ToolCallResult> {
        var outcome = outcome
        if case .output(let output) = outcome.kind {
            let cleaned = output.cleaned
            outcome.kind = .output(cleaned)
            if let problem = call.tool.problem(with: cleaned) { outcome.kind = .failure(problem, .validationError) }
        }
        let completion = try await record(call, outcome, ending)
        if let deferred = outcome.deferred, case .done(let result) = completion, result.isOK {
            let caller = SyscallCaller(process: call.request.process, tool: call.tool.name, call: call.id)
            if case .failed(let error) = await kernel.perform(deferred, for: caller) { try await noteRefused(deferred, call, error) }
        }
        return completion
    }
}

extension ToolBroker {
    /// An outcome that cannot be kept as it is must not keep its call open: then that is the outcome. Only a store that fails, or a
    /// wait, has no other way.
    private func record(
        _ call: PreparedCall, _ outcome: CallOutcome, _ ending: CallEnding?
    ) async throws(LibOSError) -> Completion<ToolCallResult> {
        do throws(LibOSError) {
            return try await write(call, outcome, ending)
        } catch {
            if error.code == .store { throw error }
            // Perhaps it is the caller's part that cannot be kept: then the call is closed without it.
            if ending != nil { return try await record(call, outcome, nil) }
            if case .waiting = outcome.kind { throw error }
            var refused = outcome
            refused.kind = .failure(
                ToolFailure(.execution, "what came of the call cannot be kept: \(error)", denial: error.denial), Self.decision(error))
            return try await write(call, refused, nil)
        }
    }

    private func write(
        _ call: PreparedCall, _ outcome: CallOutcome, _ ending: CallEnding?
    ) async throws(LibOSError) -> Completion<ToolCallResult> {
        let cause = CallCancellation.current?.cause
        return try await store.write { transaction throws(LibOSError) in
            let completion = try CallClosing(broker: self, call: call, outcome: outcome, cause: cause).close(in: transaction)
            guard let ending, case .done(var result) = completion else { return completion }
            try ending(result, transaction)
            result.isEndRecorded = true
            return .done(result)
        }
    }
}

extension CallOutcome {
    /// Why it is certain that nothing of the tool ran.
    fileprivate var noStart: NoStartProof {
        switch report?.outcome {
        case .setupFailed(let stage, let errno, _): .setupFailed(stage: stage, errno: errno)
        case .notFound: .setupFailed(stage: "exec", errno: 2)
        case .notExecutable(_, let errno): .setupFailed(stage: "exec", errno: errno)
        default: .refusedBeforeDispatch("the call was not given to the launcher")
        }
    }
}

extension ToolBroker {
    /// The result stands; that its process did not end as the tool asked is for the record.
    private func noteRefused(_ syscall: Syscall, _ call: PreparedCall, _ error: LibOSError) async throws(LibOSError) {
        _ = try await store.write { transaction throws(LibOSError) in
            try transaction.append(
                AuditEntry(
                    actor: call.request.process.text, action: "syscall.result", target: call.resource,
                    decision: .object([
                        "call_id": .string(call.id.text), "syscall": .string(syscall.name), "ok": .bool(false),
                        "error": .string(error.description),
                    ]), parent: call.intent, correlation: call.request.correlation ?? call.id.text))
        }
    }
}

private struct CallClosing {
    let broker: ToolBroker
    let call: PreparedCall
    let outcome: CallOutcome
    /// Why it was cancelled, when somebody has said so.
    let cause: String?

    private var recorder: CallRecorder {
        CallRecorder(
            process: call.request.process, call: call.id, tool: call.tool.spec, name: call.tool.name, correlation: call.request.correlation)
    }

    func close(in transaction: any StoreTransaction) throws(LibOSError) -> Completion<ToolCallResult> {
        if let reservation = call.reservation {
            if outcome.hasStarted {
                try broker.capabilities.commit(reservation, in: transaction)
            } else {
                try broker.capabilities.restore(reservation, because: outcome.noStart, in: transaction)
            }
        }
        try chargeUsage(in: transaction)
        if !outcome.asked.isEmpty, try nobodyAsksAgain(in: transaction) {
            try broker.kernel.withdraw(outcome.asked, because: "the tool that asked has ended", in: transaction)
        }
        for effect in outcome.fileEffects {
            try broker.record(
                effect.call, FileCaller(call), effect.facts, call.record.capabilities, call.intent, in: transaction)
        }
        switch outcome.kind {
        case .waiting(let wait):
            try recorder.waiting(wait, in: transaction)
            return .waiting(wait)
        case .failure(let given, let decision):
            let failure = try explained(given, in: transaction)
            try keep(.failed, nil, failure.message, in: transaction)
            return .done(
                try recorder.fail(
                    failure, decision, decision: place, capabilities: call.record.capabilities, parent: call.intent, in: transaction))
        case .output(let output):
            let object = JSONValue.object([
                "tool_id": .string(call.tool.spec.id.text), "tool_name": .string(call.tool.name), "result": output.data,
                "content": .optional(output.content), "artifacts": output.artifacts, "metadata": output.metadata,
            ])
            let handle = try broker.kernel.keepResult(
                object, title: "Result of \(call.tool.name)", tool: call.tool.spec.id, of: call.request.process, in: transaction)
            try keep(.completed, handle?.object, nil, in: transaction)
            return .done(
                try recorder.complete(
                    output, handle, decision: receipt + place, capabilities: call.record.capabilities, parent: call.intent, in: transaction)
            )
        }
    }

    /// A call that was cancelled with its run is made again, and finds its answers. After any other end nobody does, nor when somebody held
    /// the process: its model begins anew, and the answer would go to nobody.
    private func nobodyAsksAgain(in store: any StoreReading) throws(LibOSError) -> Bool {
        guard outcome.isCancelled, case .paused? = try store.process(call.request.process)?.status else { return !outcome.isCancelled }
        return true
    }

    /// A call that was cancelled says why: in the words of who cancelled it, or as far as its process knows.
    private func explained(_ failure: ToolFailure, in store: any StoreReading) throws(LibOSError) -> ToolFailure {
        guard case .cancelled? = outcome.report?.outcome, outcome.answer == nil, let process = try store.process(call.request.process)
        else { return failure }
        var explained = failure
        switch process.status {
        // The process of a session is paused for as long as it lives: that is no cause.
        case let status where cause != nil && !status.isTerminal: explained.message += ": \(cause ?? "")"
        case .paused: explained.message += ": its process was paused"
        case let status where status.isTerminal: explained.message += ": its process has ended (\(status.rawValue))"
        default: break
        }
        return explained
    }

    /// What the audit says of how it ran: which policy, and which protections held.
    private var receipt: [JSONMember] {
        guard let report = outcome.report else { return [] }
        let layers = report.receipt.map { JSONMember($0.layer, .string($0.state.rawValue)) }
        return [
            JSONMember("policy_hash", .string(report.policyHash)), JSONMember("outcome", outcome.runOutcome(of: report)),
            JSONMember("receipt", .object(layers)), JSONMember("violations", .int(Int64(report.violations.count))),
        ]
    }

    /// Which session served it.
    private var place: [JSONMember] { outcome.place.map { [JSONMember("session", $0.json)] } ?? [] }

    private func keep(
        _ state: ToolCallRecord.State, _ result: ObjectID?, _ error: String?, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let stored = try transaction.toolCall(call.id)
        var record = stored ?? call.record
        record.state = state
        record.report = outcome.reportValue
        record.result = result
        record.error = error
        record.endedAt = transaction.now
        if let report = outcome.report { record.policyHash = report.policyHash }
        if stored == nil { try transaction.insert(record) } else { try transaction.update(record) }
    }

    /// What a run used is charged after it, also when it was killed.
    private func chargeUsage(in transaction: any StoreTransaction) throws(LibOSError) {
        guard let usage = outcome.report?.usage, outcome.hasStarted else { return }
        try transaction.charge(
            spent: [
                .subprocessWallMilliseconds: Int64(clamping: usage.wallMicroseconds / 1000),
                .subprocessCPUMilliseconds: Int64(clamping: usage.cpuMicroseconds / 1000),
            ], to: call.request.process)
    }
}
