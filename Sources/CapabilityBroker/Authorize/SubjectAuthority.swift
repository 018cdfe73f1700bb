internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

/// What one process holds at one time, ready to decide: its records that are in force, by kind of resource.
struct SubjectAuthority: Sendable {
    /// The records of one kind; `rules[i]` says what `records[i]` says.
    struct Holdings: Sendable {
        let rules: RuleSet
        let records: [CapabilityRecord]
        let chains: [[IssuerLink]]
        /// Places of the records that are no plain allow. Only these can cut a hole into a wider allow.
        let restricted: [Int]
    }

    let subject: ProcessID
    let generation: Int64
    /// Good from this instant on, because records that had expired by then were left out …
    let validFrom: Timestamp
    /// … until this one, at which the next of them expires.
    let validUntil: Timestamp?
    let count: Int
    private let holdings: [ResourceKind: Holdings]

    init(of subject: ProcessID, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) {
        self.subject = subject
        generation = try store.capabilityGeneration(of: subject)
        validFrom = now
        var until: Timestamp?
        var kept: [ResourceKind: [(record: CapabilityRecord, chain: [IssuerLink])]] = [:]
        var count = 0
        for var record in try store.capabilities(of: subject) where record.subject == subject && record.isActive(at: now) {
            // A path reads the same with and without what lies below it, so a record means the same however it was made.
            record.resource = record.resource.asGranted
            let lineage = try Lineage(of: record, at: now, in: store)
            guard lineage.holds else { continue }
            if let end = lineage.expiresAt { until = until.map { min($0, end) } ?? end }
            kept[record.resource.kind, default: []].append((record, lineage.chain))
            count += 1
        }
        validUntil = until
        self.count = count
        var holdings: [ResourceKind: Holdings] = [:]
        for (kind, held) in kept {
            let records = held.map(\.record)
            holdings[kind] = Holdings(
                rules: RuleSet(kind, records.map(\.rule)), records: records, chains: held.map(\.chain),
                restricted: records.indices.filter { !records[$0].isPlainAllow })
        }
        self.holdings = holdings
    }

    func holds(at instant: Timestamp, generation: Int64) -> Bool {
        self.generation == generation && instant >= validFrom && validUntil.map { instant < $0 } ?? true
    }

    subscript(kind: ResourceKind) -> Holdings? { holdings[kind] }
}

extension CapabilityRecord {
    /// The record as the rule that decides for it: narrowest first, and of equals the later issued.
    fileprivate var rule: PolicyRule {
        let rights = CapabilityRight.inOrder(rights)
        return PolicyRule(
            effect: effect, resource: resource, rights: rights,
            reference: RuleReference(
                policy: "capabilities", file: id.text, line: 0, text: PolicyRule.text(effect, resource, rights), because: nil))
    }

    /// An allow without conditions: usable by any action, any number of times.
    var isPlainAllow: Bool { effect == .allow && constraints.isEmpty && usesRemaining == nil }
}

extension NeededRight {
    /// With a file path as the tree that a grant of it is.
    var asGranted: NeededRight { NeededRight(resource: resource.asGranted, rights: rights) }
}

extension Resource {
    /// Every spelling of a file path names the file and, if it is a directory, what lies below: the kernel grants nothing less.
    var asGranted: Resource {
        guard kind == .filesystem else { return self }
        var tree = self
        tree.extent = .tree
        return tree
    }
}
