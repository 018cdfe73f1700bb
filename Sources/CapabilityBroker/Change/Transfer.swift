internal import CapabilityLanguage
internal import LibOSModel

/// What a process may hand on. A wide allow is no licence for the parts of it that narrower records take back, so every place that a
/// record names inside the resource is looked at, not the resource alone.
struct Transfer {
    let holder: ProcessID
    let authority: SubjectAuthority

    /// The record that decides for the holder on the resource, when it is an allow without end of uses at every place inside and
    /// `accepts` has nothing against any of the records that decide there.
    func decider(
        _ right: CapabilityRight, on resource: Resource, accepts: (CapabilityRecord) -> String?
    ) throws(LibOSError) -> CapabilityRecord {
        let what = "\(right.rawValue) on \(resource)"
        guard let held = authority[resource.kind] else { throw refusal("\(holder) does not hold \(what)", "no record") }
        var chosen: Int?
        for cell in resource.ownCells + held.cells(inside: resource, of: held.records.indices) {
            let place = resource.resource(of: cell)
            guard let index = held.decider(cell, right) else {
                throw refusal("\(holder) does not hold \(right.rawValue) on \(place)", "no record")
            }
            let record = held.records[index]
            if let problem = Self.problem(record) ?? accepts(record) {
                throw refusal("\(holder) cannot hand on \(what): \(record.id) \(problem) (at \(place))", record.id.text)
            }
            if chosen == nil, record.resource.covers(resource) { chosen = index }
        }
        guard let chosen else { throw refusal("no record of \(holder) covers all of \(what)", "no record") }
        return held.records[chosen]
    }

    /// Throws where a record of the holder's own denies or asks inside the resource. `admin` is no way around that.
    func requireUnrestricted(_ right: CapabilityRight, on resource: Resource) throws(LibOSError) {
        guard let held = authority[resource.kind] else { return }
        for cell in resource.ownCells + held.cells(inside: resource, of: held.records.indices) {
            guard let index = held.decider(cell, right), let problem = Self.problem(held.records[index]) else { continue }
            let record = held.records[index]
            throw refusal(
                "\(holder) cannot hand on \(right.rawValue) on \(resource): \(record.id) \(problem) (at \(resource.resource(of: cell)))",
                record.id.text)
        }
    }

    private static func problem(_ record: CapabilityRecord) -> String? {
        switch record.effect {
        case .deny: "denies it"
        case .ask: "asks before each use"
        case .allow: record.usesRemaining == nil ? nil : "is good for a number of uses"
        }
    }

    func refusal(_ reason: String, _ rule: String) -> LibOSError {
        .denied(Denial(layer: .capability, rule: rule, reason: reason))
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
