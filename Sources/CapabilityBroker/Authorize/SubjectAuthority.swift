internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

/// What one process holds at one time, ready to decide: its records that are in force, by kind of resource.
struct SubjectAuthority: Sendable {
    /// The records of one kind; `rules[i]` says what `records[i]` says.
    struct Holdings: Sendable {
        private(set) var rules: RuleSet
        private(set) var records: [CapabilityRecord] = []
        private(set) var chains: [[IssuerLink]] = []
        /// Places of the records that are no plain allow. Only these can cut a hole into a wider allow.
        private(set) var restricted: [Int] = []

        fileprivate init(_ kind: ResourceKind) { rules = RuleSet(kind, []) }

        fileprivate mutating func append(_ record: CapabilityRecord, _ chain: [IssuerLink]) {
            if !record.isPlainAllow { restricted.append(records.count) }
            rules.append(record.rule)
            records.append(record)
            chains.append(chain)
        }
    }

    let subject: ProcessID
    private(set) var generation: Int64
    /// Good from this instant on, because records that had expired by then were left out …
    private(set) var validFrom: Timestamp
    /// … until this one, at which the next of them expires.
    private(set) var validUntil: Timestamp?
    private var holdings: [ResourceKind: Holdings] = [:]
    private var places: [CapabilityID: (kind: ResourceKind, index: Int)] = [:]

    var count: Int { places.count }

    init(of subject: ProcessID, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) {
        self.subject = subject
        generation = try store.capabilityGeneration(of: subject)
        validFrom = now
        for record in try store.capabilities(of: subject) where record.subject == subject {
            try take(record, at: now, in: store)
        }
    }

    /// What reading all records anew would give after this one was added: the newest record is the last one. `generation` is the
    /// number that the subject's records have with it.
    mutating func add(
        _ record: CapabilityRecord, generation: Int64, at now: Timestamp, in store: any CapabilityReading
    ) throws(LibOSError) {
        try take(record, at: now, in: store)
        self.generation = generation
        validFrom = now
    }

    private mutating func take(_ given: CapabilityRecord, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) {
        guard given.isActive(at: now) else { return }
        var record = given
        // A path reads the same with and without what lies below it, so a record means the same however it was made.
        record.resource = record.resource.asGranted
        let lineage = try Lineage(of: record, at: now, in: store)
        guard lineage.holds else { return }
        if let end = lineage.expiresAt { validUntil = validUntil.map { min($0, end) } ?? end }
        let kind = record.resource.kind
        places[record.id] = (kind, holdings[kind]?.records.count ?? 0)
        holdings[kind, default: Holdings(kind)].append(record, lineage.chain)
    }

    /// A record of the subject that is in force.
    func record(_ id: CapabilityID) -> CapabilityRecord? {
        places[id].flatMap { holdings[$0.kind]?.records[$0.index] }
    }

    /// Where a record in force stands among those of a kind.
    func index(of id: CapabilityID, in kind: ResourceKind) -> Int? {
        places[id].flatMap { $0.kind == kind ? $0.index : nil }
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
