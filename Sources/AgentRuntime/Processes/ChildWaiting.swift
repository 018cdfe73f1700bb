internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// How a child ended, as its parent sees it.
package struct ProcessResult: Sendable, Hashable {
    package var process: ProcessID
    package var status: ProcessStatus
    /// On what the child left; nil when it left nothing, or nothing that it could pass on.
    package var result: ObjectHandle?
    package var outcome: ProcessOutcome?
    package var message: String?
}

extension ProcessTable {
    /// What the parent's handle on a result can do at most.
    static let resultRights: Set<ObjectRight> = [.read, .materialize, .link, .diff]

    /// The result of an ended child, or the wait for it, recorded in this very transaction. The parent's handle on the result is
    /// what the child itself had, in its own view from then on.
    package func wait(
        for child: ProcessID, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Completion<ProcessResult> {
        if let result = try poll(child, by: origin, in: transaction) { return .done(result) }
        let wait = WaitState.child(child)
        try transaction.beginWait(wait, of: origin.process)
        return .waiting(wait)
    }

    /// As `wait`, without waiting: nil while the child lives. Changes nothing then.
    package func poll(
        _ child: ProcessID, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ProcessResult? {
        let ended = try directChild(child, of: origin.process, in: transaction)
        var parent = try transaction.existingProcess(origin.process)
        try parent.requireAlive(to: "wait")
        guard ended.status.isTerminal else { return nil }
        var result = ProcessResult(process: child, status: ended.status, outcome: ended.outcome, message: ended.statusMessage)
        if case .result(let object)? = ended.outcome {
            if let known = parent.view?.roots.first(where: { $0.object == object }) {
                result.result = known
            } else if let handle = try resultHandle(object, of: child, for: parent.id, in: transaction) {
                result.result = handle
                parent.see(handle)
                try transaction.update(parent)
            }
        }
        if parent.wait == .child(child) { _ = try transaction.wake(parent.id, seen: parent.generation) }
        try transaction.audit(
            "process.wait", by: parent.id.text, target: child.resourceText, outputs: [result.result?.object].compactMap { $0 },
            capabilities: [result.result?.capability].compactMap { $0 }, .object(["child_status": .string(ended.status.rawValue)]))
        return result
    }

    private func resultHandle(
        _ object: ObjectID, of child: ProcessID, for parent: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle? {
        guard try transaction.object(object) != nil else { return nil }
        let origin = ActionOrigin(process: child, tool: "process.exit")
        let held = try authority.heldRights(on: object, for: origin, in: transaction).intersection(Self.resultRights)
        guard held.contains(.read) else { return nil }
        let source = try memory.handle(to: object, rights: held, for: origin, in: transaction)
        return try memory.attenuated(
            source, to: Self.resultRights, for: parent, from: "process.wait:\(child)", by: origin, in: transaction)
    }

    /// Direct children, ended ones too, oldest first.
    package func listChildren(
        of id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [AgentProcess] {
        let children = try transaction.children(of: id)
        try transaction.audit(
            "process.list_children", by: id.text, target: id.resourceText, .object(["count": .int(Int64(children.count))]))
        return children
    }

    /// Adds what an ended child could pass on to the parent's view.
    package func mergeChildMemory(
        of child: ProcessID, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [ObjectHandle] {
        let ended = try directChild(child, of: origin.process, in: transaction)
        var parent = try transaction.existingProcess(origin.process)
        try parent.requireAlive(to: "merge memory")
        guard ended.status.isTerminal else {
            throw LibOSError(.process, "the memory of \(child) cannot be merged: it is \(ended.status.rawValue)", mend: "wait for it first")
        }
        let seen = Set(parent.view?.roots.map(\.object) ?? [])
        let handles = try memory.mergeView(of: ended, into: parent.id, except: seen, rights: Self.resultRights, in: transaction)
        for handle in handles { parent.see(handle) }
        try transaction.update(parent)
        try transaction.audit(
            "process.merge_child_memory", by: parent.id.text, target: child.resourceText, outputs: handles.map(\.object),
            capabilities: handles.map(\.capability), .object(["child": .string(child.text), "merged": .ids(handles.map(\.object))]))
        return handles
    }
}

extension AgentProcess {
    /// Adds a handle to what the process has in sight, once for each object; a process without a view gets a read-only one.
    package mutating func see(_ handle: ObjectHandle) {
        var seen = view ?? MemoryView(owner: id)
        if !seen.roots.contains(where: { $0.object == handle.object }) { seen.roots.append(handle) }
        view = seen
    }
}
