internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel

extension ObjectMemory {
    /// The object behind a handle, for one use of one right. A handle is good while its own bounds, the capability that backs it
    /// and every other record of its holder agree; a last use that backs it is taken.
    func opened(
        _ handle: ObjectHandle, _ known: AgentObject? = nil, for right: ObjectRight, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentObject {
        try authority.take(try check(handle, for: right, by: origin, in: transaction), for: origin, in: transaction)
        if let known, known.id == handle.object { return known }
        guard let object = try transaction.object(handle.object) else { throw .notFound("object \(handle.object)") }
        return object
    }

    /// Throws `denied` unless the handle lets its holder do this now. Takes no use.
    @discardableResult
    func check(
        _ handle: ObjectHandle, for right: ObjectRight, by origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> AuthorizationDecision {
        let resource = Resource.object(handle.object)
        guard handle.rights.contains(right) else {
            throw refused(handle, right, rule: "rights of the handle", because: "the handle does not have the right `\(right.rawValue)`")
        }
        if let expiry = handle.expiresAt, expiry <= store.now {
            throw refused(handle, right, rule: "expiry of the handle", because: "the handle expired at \(expiry)")
        }
        let held = try authority.broker.heldRecord(handle.capability, of: origin.process, in: store)
        let found: CapabilityRecord? = if let held { held } else { try store.capability(handle.capability) }
        guard let record = found, record.subject == origin.process,
            record.effect == .allow, record.resource.covers(resource), record.rights.contains(right.asCapabilityRight)
        else {
            throw refused(handle, right, rule: handle.capability.text, because: "no capability of the process backs the handle")
        }
        guard record.isActive(at: store.now) else {
            throw refused(handle, right, rule: record.id.text, because: "the capability \(record.id) behind the handle has ended")
        }
        // The backing record allows; a deny, or a newer order to ask first, still decides over it.
        return try authority.decide([right.asCapabilityRight], on: resource, for: origin, in: store)
    }

    private func refused(_ handle: ObjectHandle, _ right: ObjectRight, rule: String, because reason: String) -> LibOSError {
        .denied(
            Denial(
                layer: .capability, rule: rule, reason: "\(handle.object) cannot be used: \(reason)",
                suggestion: "grant object:\(handle.object) \(right.rawValue)"))
    }
}

extension ObjectHandle {
    /// Whether the handle itself gives a right now. What backs it must give it too.
    func isGood(for right: ObjectRight, at now: Timestamp) -> Bool {
        rights.contains(right) && expiresAt.map { $0 > now } ?? true
    }
}
