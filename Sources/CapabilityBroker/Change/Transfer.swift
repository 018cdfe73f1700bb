internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

/// What a process may hand on. A wide allow is no licence for the parts of it that other records take back, so every record that
/// stands above it anywhere inside the resource is looked at, decide it or not: the holder could give up an allow that hides an ask.
struct Transfer {
    let holder: ProcessID
    let authority: SubjectAuthority

    /// The allow that decides for the holder on the whole resource, when `refuses` has nothing against it or any record above it.
    func basis(
        _ right: CapabilityRight, on resource: Resource, refuses: (CapabilityRecord) -> String?
    ) throws(LibOSError) -> CapabilityRecord {
        guard let held = authority[resource.kind] else { throw lacks(right, on: resource) }
        var basis: Int?
        for cell in resource.ownCells {
            guard let index = held.decider(cell, right) else { throw lacks(right, on: resource) }
            try refuse(held.records[index], right, on: resource, refuses)
            if held.records[index].resource.covers(resource) { basis = basis ?? index }
        }
        guard let basis else { throw lacks(right, on: resource) }
        try requireClear(right, on: resource, above: held.records[basis].id, refuses: refuses)
        return held.records[basis]
    }

    /// Throws when a record above this one, inside the resource, denies or asks, or when `refuses` has something against it.
    func requireClear(
        _ right: CapabilityRight, on resource: Resource, above id: CapabilityID, refuses: (CapabilityRecord) -> String?
    ) throws(LibOSError) {
        guard let held = authority[resource.kind], let basis = held.records.firstIndex(where: { $0.id == id }) else {
            throw lacks(right, on: resource)
        }
        for cell in resource.ownCells + held.cells(inside: resource, of: held.records.indices) {
            let matching = held.rules.covering(cell.path, strictlyBelow: cell.strictlyBelow).matchingIndices(right)
            guard matching.contains(basis) else { throw lacks(right, on: resource.resource(of: cell)) }
            for index in matching where !held.ranks(basis, above: index) { try refuse(held.records[index], right, on: resource, refuses) }
        }
    }

    /// Throws where a record of the holder's own denies or asks inside the resource. `admin` is no way around that.
    func requireUnrestricted(_ right: CapabilityRight, on resource: Resource) throws(LibOSError) {
        guard let held = authority[resource.kind] else { return }
        for cell in resource.ownCells + held.cells(inside: resource, of: held.records.indices) {
            guard let index = held.decider(cell, right) else { continue }
            try refuse(held.records[index], right, on: resource) { _ in nil }
        }
    }

    private func refuse(
        _ record: CapabilityRecord, _ right: CapabilityRight, on resource: Resource, _ refuses: (CapabilityRecord) -> String?
    ) throws(LibOSError) {
        let reason: String? =
            switch record.effect {
            case .deny: "denies \(record.resource)"
            case .ask: "asks before each use of \(record.resource)"
            case .allow: refuses(record)
            }
        guard let reason else { return }
        throw refusal("\(right.rawValue) on \(resource) stays with \(holder): \(record.id) \(reason)", record.id.text)
    }

    private func lacks(_ right: CapabilityRight, on resource: Resource) -> LibOSError {
        refusal("no single record lets \(holder) \(right.rawValue) \(resource)", "no record")
    }

    func refusal(_ reason: String, _ rule: String) -> LibOSError {
        .denied(Denial(layer: .capability, rule: rule, reason: reason))
    }
}

extension SubjectAuthority.Holdings {
    /// Whether one record decides before another where both speak.
    fileprivate func ranks(_ first: Int, above second: Int) -> Bool {
        if records[second].effect == .deny { return false }
        return (records[first].resource.specificity, first) > (records[second].resource.specificity, second)
    }
}

extension CapabilityRecord {
    /// Why nothing can be handed on of this allow, or past it; nil when it can.
    func staysWithHolder(under constraints: CapabilityConstraints, mustBeDelegable: Bool) -> String? {
        if usesRemaining != nil { return "is good for a number of uses" }
        if mustBeDelegable, !isDelegable { return "is not delegable" }
        return self.constraints.firstLost(in: constraints).map { "demands the constraint `\($0)`" }
    }
}

extension CapabilityBroker {
    func transfer(from holder: ProcessID, in transaction: any StoreReading) throws(LibOSError) -> Transfer {
        Transfer(holder: holder, authority: try cache.authority(of: holder, at: transaction.now, in: transaction))
    }

    /// Processes hand authority to processes that live.
    func requireLiving(_ subject: ProcessID, in transaction: any StoreReading) throws(LibOSError) {
        let process = try transaction.existingProcess(subject)
        guard !process.status.isTerminal else { throw LibOSError(.process, "process \(subject) has ended (\(process.status.rawValue))") }
    }
}

extension CapabilityTerms {
    /// These terms as far as a record below `parent` can have them. Throws where they ask for more than the parent has.
    func bounded(by parent: CapabilityRecord) throws(LibOSError) -> CapabilityTerms {
        func refuse(_ reason: String) -> LibOSError {
            .denied(Denial(layer: .capability, rule: parent.id.text, reason: "\(parent.id) cannot be handed on so: \(reason)"))
        }
        var terms = self
        if let end = parent.expiresAt {
            guard terms.expiresAt ?? end <= end else { throw refuse("it ends at \(end), and no child outlives its parent") }
            terms.expiresAt = terms.expiresAt ?? end
        }
        if parent.usesRemaining != nil { throw refuse("it is good for a number of uses, and such records are not handed on") }
        if let lost = parent.constraints.firstLost(in: constraints) { throw refuse("the constraint `\(lost)` must stay as it is") }
        guard parent.delegationDepth < Int64(Lineage.longest) - 1 else { throw refuse("\(Lineage.longest) records hang below one another") }
        if let left = parent.maxDelegationDepth {
            guard left > 0 else { throw refuse("its depth of delegation is used up") }
            guard terms.maxDelegationDepth ?? 0 <= left - 1 else { throw refuse("\(left - 1) further delegations are left below it") }
            terms.maxDelegationDepth = terms.maxDelegationDepth ?? left - 1
        }
        return terms
    }
}

extension CapabilityConstraints {
    /// The first constraint that the other set drops or changes. What is not known cannot be compared and counts as lost.
    func firstLost(in other: CapabilityConstraints) -> String? {
        func differ(_ a: [String], _ b: [String]?) -> Bool {
            guard let b else { return true }
            return a.count != b.count || !zip(a, b).allSatisfy(haveSameBytes)
        }
        if let actionHash, differ([actionHash], other.actionHash.map { [$0] }) { return "action_hash" }
        if let tools, differ(tools.sorted(), other.tools?.sorted()) { return "tools" }
        if let argumentPrefixes {
            guard let others = other.argumentPrefixes, others.count == argumentPrefixes.count,
                zip(argumentPrefixes, others).allSatisfy({ !differ($0, $1) })
            else { return "argument_prefixes" }
        }
        return unknown.min()
    }
}
