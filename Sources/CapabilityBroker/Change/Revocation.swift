internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// Ends a record, and everything that hangs below it.
    ///
    /// Who may: trusted code; the process that issued it; its holder, when it is an allow that restricts nothing; a process with
    /// `revoke` (for allows) or `admin` on the whole resource, but never on a restriction of its own. Nobody ends a record that is
    /// not revocable; it can only fall with its parent.
    /// - Returns: every record that ended, the named one first.
    @discardableResult
    package func revoke(
        _ id: CapabilityID, by actor: CapabilityActor, reason: String? = nil, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityRecord] {
        try actor.validate()
        guard var record = try transaction.capability(id) else { throw .notFound("capability \(id)") }
        guard try isTrusted(actor, toRevoke: record, in: transaction) else {
            throw .denied(Denial(layer: .capability, rule: id.text, reason: "\(actor.text) may not revoke \(id)"))
        }
        guard record.isRevocable else {
            throw .denied(Denial(layer: .capability, rule: id.text, reason: "\(id) is not revocable"))
        }
        guard record.status == .active else { throw LibOSError(.validation, "\(id) has ended already (\(record.status.rawValue))") }
        let fallen = try descendants(of: id, in: transaction)
        record.status = .revoked
        try transaction.update(record)
        try transaction.announce(.capabilityRevoked, record, by: actor.text, extra: ["reason": .optional(reason)])
        try transaction.audit("capability.revoke", record, by: actor.text, extra: ["reason": .optional(reason)])
        return [record] + (try disable(fallen, because: "\(id) was revoked", by: actor, in: transaction))
    }

    private func isTrusted(
        _ actor: CapabilityActor, toRevoke record: CapabilityRecord, in transaction: any StoreReading
    ) throws(LibOSError) -> Bool {
        guard let process = actor.process else { return true }
        if haveSameBytes(record.issuedBy, actor.text) { return true }
        if record.subject == process, record.mayBeGivenUp { return true }
        if record.subject == process, record.effect != .allow { return false }
        let transfer = try transfer(from: process, in: transaction)
        for right in [CapabilityRight.admin] + (record.effect == .allow ? [.revoke] : []) {
            let refuses = { (held: CapabilityRecord) in held.isPlainAllow ? nil : "has conditions" }
            if (try? transfer.basis(right, on: record.resource, refuses: refuses)) != nil { return true }
        }
        return false
    }

    /// Everything below a record that is still in force, parents before children. Records that point in a circle come once.
    func descendants(of id: CapabilityID, in transaction: any StoreReading) throws(LibOSError) -> [CapabilityRecord] {
        var found: [CapabilityRecord] = []
        var seen: Set<CapabilityID> = [id]
        var open = [id]
        while let next = open.popLast() {
            for child in try transaction.capabilities(delegatedFrom: next) where seen.insert(child.id).inserted {
                open.append(child.id)
                if child.status == .active { found.append(child) }
            }
        }
        return found
    }

    func disable(
        _ records: [CapabilityRecord], because reason: String, by actor: CapabilityActor, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityRecord] {
        var result: [CapabilityRecord] = []
        for var record in records {
            record.status = .disabled
            try transaction.update(record)
            try transaction.announce(.capabilityRevoked, record, by: actor.text, extra: ["reason": .string(reason)])
            try transaction.audit("capability.disable", record, by: actor.text, extra: ["reason": .string(reason)])
            result.append(record)
        }
        return result
    }
}

extension CapabilityRecord {
    /// Whether its holder loses by ending it, and cannot gain: an allow with conditions may stand in front of a wider allow without
    /// them. An approval is about one action and may go.
    var mayBeGivenUp: Bool {
        effect == .allow && constraints.tools == nil && constraints.argumentPrefixes == nil && constraints.unknown.isEmpty
    }
}
