internal import CapabilityLanguage
package import LibOSModel

extension CapabilityBroker {
    /// Whether a process may use a handle for something. The handle and the record behind it must both give the right, and the
    /// subject's other records must not stand against it: a handle is no way around a deny.
    package func authorize(
        _ handle: ObjectHandle, _ right: ObjectRight, for subject: ProcessID, context: ActionContext = ActionContext(),
        in store: any StoreReading
    ) throws(LibOSError) -> AuthorizationDecision {
        let resource = Resource(kind: .object, parts: [handle.object.text], extent: .exact)
        guard let wanted = CapabilityRight(rawValue: right.rawValue) else {
            throw LibOSError(.validation, "`\(right.rawValue)` is no right of objects")
        }
        var decision = try authorize(
            AuthorizationRequest(subject: subject, needs: [NeededRight(resource: resource, rights: [wanted])], context: context), in: store)
        guard let problem = try problem(handle, right, wanted, subject, resource, store) else { return decision }
        decision.effect = .deny
        decision.reason = "\(subject) cannot use this handle of \(handle.object) to \(right.rawValue): \(problem)"
        decision.denial = Denial(layer: .capability, rule: handle.capability.text, reason: decision.reason)
        (decision.grants, decision.oneShots, decision.capabilities, decision.asked) = ([], [], [], [])
        return decision
    }

    private func problem(
        _ handle: ObjectHandle, _ right: ObjectRight, _ wanted: CapabilityRight, _ subject: ProcessID, _ resource: Resource,
        _ store: any StoreReading
    ) throws(LibOSError) -> String? {
        guard handle.rights.contains(right) else { return "the handle does not give it" }
        if let end = handle.expiresAt, end <= store.now { return "the handle has expired" }
        guard let record = try store.capability(handle.capability), record.subject == subject else {
            return "no record of its is behind it"
        }
        guard record.effect == .allow, record.rights.contains(wanted), record.resource.covers(resource) else {
            return "the record behind it does not give it"
        }
        return try Lineage(of: record, at: store.now, in: store).holds ? nil : "the record behind it is not in force any more"
    }
}
