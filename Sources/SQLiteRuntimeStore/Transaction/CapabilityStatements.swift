internal import CapabilityLanguage
internal import LibOSModel

// The generation of a subject is raised by triggers of the table, so that no way of writing can forget it. What a transaction wrote
// and undid had numbers too; the epoch in the upper half keeps those from standing for something else afterwards.
extension SQLiteTransaction {
    func capability(_ id: CapabilityID) throws(LibOSError) -> CapabilityRecord? {
        try connection.row("WHERE id = ?1") { $0.bind(id) }
    }

    func capabilities(of subject: ProcessID) throws(LibOSError) -> [CapabilityRecord] {
        try connection.rows("WHERE subject = ?1 ORDER BY sequence") { $0.bind(subject) }
    }

    func capabilities(of subject: ProcessID, except kind: ResourceKind) throws(LibOSError) -> [CapabilityRecord] {
        // The stored form of a resource begins with its kind; `;` follows `:`, so everything of the kind lies between the two.
        try connection.rows("WHERE subject = ?1 AND NOT (resource >= ?2 AND resource < ?3) ORDER BY sequence") {
            $0.bind(subject)
            $0.bind(kind.rawValue + ":")
            $0.bind(kind.rawValue + ";")
        }
    }

    func capabilities(delegatedFrom id: CapabilityID) throws(LibOSError) -> [CapabilityRecord] {
        try connection.rows("WHERE parent = ?1 ORDER BY sequence") { $0.bind(id) }
    }

    func capabilityGeneration(of subject: ProcessID) throws(LibOSError) -> Int64 {
        if let known = generations[subject] { return known }
        let stored = try connection.number("SELECT generation FROM capability_generation WHERE subject = ?1") { $0.bind(subject) }
        let generation = stored.map { epoch << 32 &+ $0 } ?? 0
        generations[subject] = generation
        return generation
    }

    func insert(_ capability: CapabilityRecord) throws(LibOSError) {
        hasChangedAuthority = true
        generations = [:]
        try connection.insert(capability)
    }

    func update(_ capability: CapabilityRecord) throws(LibOSError) {
        hasChangedAuthority = true
        generations = [:]
        try connection.update(capability, called: capability.id.text)
    }
}
