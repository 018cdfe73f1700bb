internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// Which part of a parent's view a child gets.
package struct MemoryViewSpec: Sendable, Hashable {
    /// Roots by object; nil: all of them.
    package var roots: Set<ObjectID>?
    package var includesParentRoots: Bool
    /// Rights of the child's handles; nil: what the mode says. Never more than the parent's.
    package var rights: Set<ObjectRight>?

    package init(roots: Set<ObjectID>? = nil, includesParentRoots: Bool = true, rights: Set<ObjectRight>? = nil) {
        self.roots = roots
        self.includesParentRoots = includesParentRoots
        self.rights = rights
    }
}

extension ObjectMemory {
    /// A view of these handles. Needs read on each.
    package func createView(
        of roots: [ObjectHandle], mode: ViewMode, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> MemoryView {
        for root in roots { try check(root, for: .read, by: origin, in: transaction) }
        let view = MemoryView(owner: origin.process, roots: roots, mode: mode)
        try transaction.audit(
            "memory.create_view", by: origin.process.text, target: view.id.text, inputs: roots.map(\.object),
            .object(["mode": .string(mode.rawValue)]))
        return view
    }

    /// A child's view of what its parent sees: never a right more, never longer, and gone when the parent's authority goes. Roots
    /// that the parent may not read, or may not pass on because they are not delegable or good for a number of uses only, are
    /// left out and named in the audit record.
    package func forkView(
        _ view: MemoryView, spec: MemoryViewSpec, mode: ViewMode, to child: ProcessID, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> MemoryView {
        var fork = MemoryView(owner: child, mode: mode, createdFrom: view.id)
        var omitted: [ObjectID] = []
        if let asked = spec.roots, let stranger = asked.subtracting(view.roots.map(\.object)).min() {
            throw .denied(
                Denial(
                    layer: .capability, rule: "view of \(origin.process)", reason: "\(stranger) is not in the parent's view",
                    suggestion: "name roots of the parent's view"))
        }
        for root in view.roots where spec.includesParentRoots && spec.roots?.contains(root.object) ?? true {
            let rights = spec.rights ?? Self.forkedRights(mode)
            guard
                let handle = try attenuated(
                    root, to: rights, for: child, from: "process.fork:\(origin.process)", by: origin, in: transaction)
            else {
                omitted.append(root.object)
                continue
            }
            fork.roots.append(handle)
        }
        try transaction.audit(
            "memory.fork_view", by: origin.process.text, target: fork.id.text, inputs: view.roots.map(\.object),
            outputs: fork.roots.map(\.object), capabilities: fork.roots.map(\.capability),
            .object(["child": .string(child.text), "mode": .string(mode.rawValue), "omitted": .ids(omitted)]))
        return fork
    }

    /// Gives a parent the objects of an ended child, each with what the child could still pass on. Returns handles for the objects
    /// that still exist and are not known to it; the caller has checked that it is the parent.
    package func mergeView(
        of child: AgentProcess, into parent: ProcessID, except known: Set<ObjectID>, rights: Set<ObjectRight>,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> [ObjectHandle] {
        let origin = ActionOrigin(process: child.id, tool: "process.merge_child_memory")
        var handles: [ObjectHandle] = []
        var omitted: [ObjectID] = []
        var seen = known
        let created = try transaction.objects(createdBy: child.id.text) + transaction.objects(createdBy: Self.resultOwner(child.id))
        for id in (child.view?.roots.map(\.object) ?? []) + created.map(\.id) where seen.insert(id).inserted {
            guard try transaction.object(id) != nil else { continue }
            // What the child holds now decides, not what its view once said.
            let held = try authority.heldRights(on: id, for: origin, in: transaction).intersection(rights)
            guard held.contains(.read),
                let source = try? handle(to: id, rights: held, for: origin, in: transaction),
                let handle = try attenuated(source, to: rights, for: parent, from: "process.merge:\(child.id)", by: origin, in: transaction)
            else {
                omitted.append(id)
                continue
            }
            handles.append(handle)
        }
        try transaction.audit(
            "memory.merge_view", by: parent.text, target: child.id.resourceText, outputs: handles.map(\.object),
            capabilities: handles.map(\.capability), .object(["child": .string(child.id.text), "omitted": .ids(omitted)]))
        return handles
    }

    /// A record that a view looked like this. Nothing is kept but the record.
    package func snapshotView(_ view: MemoryView, by origin: ActionOrigin, in transaction: any StoreTransaction) throws(LibOSError) {
        try transaction.audit(
            "memory.snapshot_view", by: origin.process.text, target: view.id.text, inputs: view.roots.map(\.object),
            .object(["mode": .string(view.mode.rawValue)]))
    }

    /// A handle for another process that rests on this one; nil when this one cannot be passed on.
    func attenuated(
        _ handle: ObjectHandle, to rights: Set<ObjectRight>, for receiver: ProcessID, from issuer: String, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle? {
        let kept = try handle.rights.intersection(rights).intersection(
            authority.heldRights(on: handle.object, for: origin, in: transaction))
        guard kept.contains(.read) else { return nil }
        let records: [CapabilityRecord]
        do throws(LibOSError) {
            try check(handle, for: .read, by: origin, in: transaction)
            records = try authority.inherit(
                NeededRight(resource: .object(handle.object), rights: kept.asCapabilityRights), from: origin.process, to: receiver,
                by: issuer, in: transaction)
        } catch {
            guard error.code == .denied else { throw error }
            return nil
        }
        guard let record = records.first(where: { $0.rights.contains(.read) }) else { return nil }
        return ObjectHandle(
            object: handle.object, rights: kept.filter { record.rights.contains($0.asCapabilityRight) }, capability: record.id,
            expiresAt: [handle.expiresAt, record.expiresAt].compactMap { $0 }.min())
    }

    private static func forkedRights(_ mode: ViewMode) -> Set<ObjectRight> {
        mode.mayWrite ? [.read, .materialize, .diff, .write] : [.read, .materialize, .diff]
    }
}
