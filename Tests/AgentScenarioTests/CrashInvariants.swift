import LibOSModel
import StrictJSON
import Testing

/// What holds whatever the point was at which the program was killed.
extension CrashSnapshot {
    /// - Parameter isStarted: A runtime was started over it since, which ends what an end brings with it.
    func check(_ point: String, isStarted: Bool = true) {
        checkCalls(point)
        checkProcesses(point)
        if isStarted { checkQuestions(point) }
        checkBudgets(point)
        checkUses(point)
        checkEffects(point)
    }

    /// An intent has an outcome, or its call is unknown; nothing stays half open.
    private func checkCalls(_ point: String) {
        for call in calls {
            let closing = audit("tool.call").filter { $0.entry.correlation == call.id.text }
            #expect(closing.count == 1, "\(point): \(call.toolName) is closed \(closing.count) times")
            switch call.state {
            case .completed, .failed: #expect(call.endedAt != nil, "\(point): \(call.toolName)")
            case .unknown:
                #expect(call.endedAt != nil && call.error != nil && call.result == nil, "\(point): \(call.toolName)")
            case .intended: Issue.record("\(point): \(call.toolName) is still intended")
            }
        }
        #expect(missingResults.isEmpty, "\(point)")
        for intent in audit("external_effect.intent") {
            let isClosed = audit.contains { $0.entry.parent == intent.id }
            let call = calls.first { intent.says("call_id", $0.id.text) }
            #expect(isClosed || call?.state == .unknown, "\(point): \(intent.entry.decision)")
            #expect(call != nil, "\(point): an intent without its call")
        }
        let isAnswered = modelCalls.allSatisfy { $0.status != .pending && $0.completedAt != nil }
        #expect(isAnswered, "\(point)")
    }

    private func checkProcesses(_ point: String) {
        for process in processes {
            #expect(process.status != .running, "\(point)")
            #expect(process.status.isTerminal == (process.outcome != nil), "\(point): \(process.status)")
            #expect(process.status.isWaiting == (process.wait != nil), "\(point): \(process.status)")
            if process.status == .paused {
                #expect(process.pause == .interrupted && process.statusMessage?.isEmpty == false, "\(point)")
            }
            if case .child(let child) = process.wait {
                let status = processes.first { $0.id == child }?.status
                #expect(status?.isTerminal == false, "\(point): waits for an ended child")
            }
            if case .human(let asked) = process.wait {
                let open = requests.filter { $0.status == .pending }.map(\.id)
                #expect(!asked.isDisjoint(with: open), "\(point): waits for a decided request")
            }
        }
        for action in pending {
            #expect(action.state == .pending, "\(point)")
            let status = processes.first { $0.id == action.process }?.status
            #expect(status?.isTerminal == false, "\(point)")
        }
    }

    /// What is asked is waited for: nobody is asked for the dead, nor for a tool that is gone.
    private func checkQuestions(_ point: String) {
        for request in requests where request.status == .pending {
            let process = processes.first { $0.id == request.process }
            #expect(process?.wait == .human([request.id]), "\(point): asked for a process that is \(process?.status.rawValue ?? "gone")")
        }
    }

    /// What a process used is what it did itself and what its children used.
    private func checkBudgets(_ point: String) {
        for process in processes {
            let children = children(of: process.id)
            func below(_ item: BudgetItem) -> Int64 { children.reduce(0) { $0 + $1.usage[item] } }
            let asked = modelCalls.filter { $0.process == process.id }.map(\.createdAt).sorted()
            // A call is charged once for each choice of the model: what comes again after a wait is not.
            let begun = (begun[process.id] ?? []).map(\.createdAt)
            let charged = asked.enumerated().filter { number, from in
                begun.contains { $0 >= from && (number + 1 == asked.count || $0 < asked[number + 1]) }
            }
            #expect(process.usage[.toolCalls] == Int64(charged.count) + below(.toolCalls), "\(point): tool calls")
            #expect(process.usage[.modelCalls] == Int64(asked.count) + below(.modelCalls), "\(point): model calls")
            #expect(process.usage[.childProcesses] == Int64(children.count) + below(.childProcesses), "\(point): children")
            let tokens = modelCalls.filter { $0.process == process.id && $0.status == .ok }.count * 3
            #expect(process.usage[.modelTokens] == Int64(tokens) + below(.modelTokens), "\(point): tokens")
            for item in BudgetItem.allCases where item.isConsumed {
                if let limit = process.budget[item] { #expect(process.usage[item] <= limit, "\(point): \(item)") }
            }
        }
    }

    /// A use is taken once and stays taken, and an approval is for one action.
    private func checkUses(_ point: String) {
        for record in capabilities {
            guard let left = record.usesRemaining else { continue }
            let uses = audit("capability.consume").filter { $0.entry.capabilities.contains(record.id) }
            let taken = uses.filter { $0.says("phase", "reserved") }.count - uses.filter { $0.says("phase", "restored") }.count
            #expect(left == 1 - Int64(taken), "\(point): \(left) left of one use, \(taken) taken")
            let resting = audit("external_effect.intent").filter { $0.entry.capabilities.contains(record.id) }
            #expect(resting.count <= 1, "\(point): \(resting.count) effects rest on one use")
            for call in calls where call.state == .unknown && call.capabilities.contains(record.id) {
                #expect(left == 0, "\(point): the use of an action that was perhaps done is free again")
            }
        }
        for request in requests {
            guard case .approval(let approval, _) = request.content else { continue }
            let done = audit("external_effect.intent").filter { $0.says("action_hash", approval.actionHash) }
            #expect(done.count <= (request.status == .approved || request.status == .used ? 1 : 0), "\(point): \(request.status)")
        }
    }

    /// Nothing is on disk whose intent is not on record, and nothing was done twice.
    private func checkEffects(_ point: String) {
        func isIntended(_ calls: [ToolCallRecord], _ target: String? = nil) -> Bool {
            audit("external_effect.intent").contains { intent in
                calls.contains { intent.says("call_id", $0.id.text) } && (target == nil || intent.entry.target == target)
            }
        }
        if files.contains("made.txt") { #expect(isIntended(calls("write_text_file", "path", "made.txt")), "\(point)") }
        if !files.contains("old.txt") { #expect(isIntended(calls("delete_file", "path", "old.txt")), "\(point)") }
        if files.contains("nested.txt") {
            #expect(isIntended(calls("libos_calls"), "filesystem:workspace:nested.txt"), "\(point)")
        }
        #expect(log == [] || log == ["first"] && isIntended(calls("append_line", "line", "first")), "\(point): \(log)")
        #expect(Set(files).isSubset(of: ["made.txt", "old.txt", "nested.txt", "log.txt"]), "\(point): \(files)")
        let done = calls.filter { $0.state != .failed }.map { "\($0.process) \($0.toolName) \($0.arguments.canonicalText)" }
        #expect(done.count == Set(done).count, "\(point): an action was done twice")
    }

    /// A later run of the same store repeats nothing, and lets be what a person has to look at first.
    func checkLater(_ later: CrashSnapshot, _ point: String) {
        let isKept = calls.allSatisfy { later.calls.contains($0) }
        #expect(isKept, "\(point): a closed call was changed")
        for process in processes where process.status == .paused || process.status.isTerminal {
            // What its children use is charged to it all the same.
            let now = later.processes.first { $0.id == process.id }
            let isOrphaned = now?.status == .killed && later.processes.contains { $0.id == process.parent && $0.status.isTerminal }
            #expect(now?.generation == process.generation || isOrphaned, "\(point): it went on by itself")
            #expect(later.calls.filter { $0.process == process.id }.count == calls.filter { $0.process == process.id }.count, "\(point)")
        }
        let statuses = later.processes.map(\.status)
        #expect(!statuses.contains(.runnable), "\(point)")
    }
}
