internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

extension AgentRuntime: LibOSKernel {
    package func perform(_ syscall: Syscall, for caller: SyscallCaller) async -> SyscallOutcome {
        let outcome: SyscallOutcome
        do throws(LibOSError) {
            if syscall.name == "process.chdir" { try await checkDirectory(syscall, of: caller.process) }
            switch try await decided(syscall, for: caller) {
            case .done(let value): outcome = .value(value)
            case .waiting(let wait): outcome = .waiting(wait)
            }
            if SyscallTable.stopping.contains(syscall.name) { try await cancelStoppedQuanta(except: caller.process) }
        } catch {
            return .failed(error)
        }
        if syscall.name == "clock.sleep", case .value(let value) = outcome { return await slept(value) }
        return outcome
    }

    /// Decision and effect in one transaction: a refused syscall has changed nothing. Who made it records that it was made.
    private func decided(_ syscall: Syscall, for caller: SyscallCaller) async throws(LibOSError) -> Completion<JSONValue> {
        guard let entry = SyscallTable.entries[syscall.name] else { throw SyscallTable.refusal(of: syscall.name) }
        let arguments = try SyscallArguments(syscall, keys: entry.keys)
        return try await store.write { transaction throws(LibOSError) in
            let process = try transaction.existingProcess(caller.process)
            try process.requireAlive(to: "make the syscall \(syscall.name)")
            let hash = ActionHash.of(
                tool: syscall.name, arguments: syscall.arguments, workingDirectory: process.workingDirectory, policyHash: nil)
            let uses = ActionUses()
            var origin = ActionOrigin(process: caller.process, tool: caller.tool, actionHash: hash)
            origin.uses = uses
            let scope = SyscallScope(runtime: self, origin: origin, caller: caller, syscall: syscall, transaction: transaction)
            let completion: Completion<JSONValue> =
                if let wait = try scope.approvalWait(for: try entry.needs(scope, arguments), hash: hash) {
                    .waiting(wait)
                } else {
                    try entry.body(scope, arguments)
                }
            try authority.settle(uses, of: caller.process, in: transaction)
            return completion
        }
    }

    private func checkDirectory(_ syscall: Syscall, of id: ProcessID) async throws(LibOSError) {
        guard case .string(let path)? = syscall.arguments["path"] else { return }
        let process = try await store.read { store throws(LibOSError) in try store.existingProcess(id) }
        let clean = try WorkingDirectory.clean(path, from: process.workingDirectory)
        guard await directories.isDirectory(clean) else { throw LibOSError(.notFound, "there is no directory \(clean) in the workspace") }
    }

    private func slept(_ value: JSONValue) async -> SyscallOutcome {
        guard case .double(let seconds)? = value["slept_seconds"] else { return .value(value) }
        do {
            try await sleeper(seconds)
            return .value(value)
        } catch {
            return .failed(LibOSError(.timeout, "the sleep was cut short"))
        }
    }

    package func settled(_ wait: WaitState, of process: ProcessID) async throws(LibOSError) {
        let commits = store.commits.listen()
        var wakeups = commits.makeAsyncIterator()
        quanta.setParked(true, process)
        store.commits.signal()
        defer { quanta.setParked(false, process) }
        while true {
            let isOver = try await store.read { store throws(LibOSError) in
                try store.existingProcess(process).requireAlive(to: "go on")
                return try store.isOver(wait, of: process)
            }
            if isOver { break }
            if await wakeups.next() == nil {
                throw LibOSError(.timeout, "the call was cancelled while it waited", mend: "make it again: the wait is recorded")
            }
        }
        try await store.write { transaction throws(LibOSError) in
            var record = try transaction.existingProcess(process)
            try record.requireAlive(to: "go on")
            // Only a quantum goes on; without one the process is the scheduler's.
            guard quanta.isActive(process) else {
                _ = try transaction.wake(process, seen: record.generation)
                return
            }
            try record.continueQuantum(at: transaction.now)
            try transaction.update(record)
        }
    }

    package func ask(
        _ request: ApprovalRequest, for process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequestID {
        try humans.requestApproval(request, of: process, in: transaction).id
    }

    package func withdraw(
        _ requests: Set<HumanRequestID>, because reason: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try humans.withdraw(requests.sorted(), because: reason, in: transaction)
    }

    package func keepResult(
        _ payload: JSONValue, title: String, tool: ToolID, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle? {
        guard let owner = try transaction.process(process), !owner.status.isTerminal else { return nil }
        let draft = ObjectDraft(
            type: .toolResult, payload: payload, metadata: ObjectMetadata(title: title, tags: ["tool_result"]),
            provenance: Provenance(sourceRefs: [tool.text], createdFromAction: "tool.call"))
        return try memory.create(draft, by: ActionOrigin(process: process, tool: "tool.call"), in: transaction).handle
    }
}

extension SyscallScope {
    /// The wait for a person, when what is needed must be asked for; nil when everything is allowed. Throws `denied` when it is
    /// not, and when a person refused this very action.
    func approvalWait(for needs: [NeededRight], hash: String) throws(LibOSError) -> WaitState? {
        var asked: [NeededRight] = []
        var rules: [String] = []
        for need in needs {
            switch try runtime.authority.standing(need.rights, on: need.resource, for: origin, in: transaction) {
            case .allowed: break
            case .ask(let denial):
                asked.append(need)
                if !rules.contains(denial.rule) { rules.append(denial.rule) }
            case .denied(let denial): throw .denied(denial)
            }
        }
        if asked.isEmpty { return nil }
        if let id = caller.resumed, let request = try transaction.humanRequest(id), request.process == origin.process,
            case .approval(let approval, _) = request.content, approval.actionHash == hash
        {
            // Rejected or expired throws here; a yes whose use was taken is asked for anew.
            if case .waiting(let wait) = try runtime.humans.outcome(of: id, for: origin.process, in: transaction) { return wait }
        }
        let approval = ApprovalRequest(
            tool: syscall.name, arguments: syscall.arguments, actionHash: hash, policyHash: "", needs: asked, rules: rules)
        return .human([try runtime.humans.requestApproval(approval, of: origin.process, in: transaction).id])
    }
}
