internal import LibOSModel
internal import Synchronization

/// Parsed records by subject, good for one generation of them. Losing an entry costs time and nothing else.
final class AuthorityCache: Sendable {
    private struct Entry {
        var authority: SubjectAuthority
        var lastUse: UInt64
    }

    private struct State {
        var entries: [ProcessID: Entry] = [:]
        var records = 0
        var clock: UInt64 = 0
    }

    private let mostSubjects: Int
    private let mostRecords: Int
    private let state = Mutex(State())

    init(mostSubjects: Int, mostRecords: Int) {
        self.mostSubjects = mostSubjects
        self.mostRecords = mostRecords
    }

    var subjects: Int { state.withLock { $0.entries.count } }

    func authority(of subject: ProcessID, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) -> SubjectAuthority {
        let generation = try store.capabilityGeneration(of: subject)
        let known = state.withLock { state -> SubjectAuthority? in
            guard let entry = state.entries[subject], entry.authority.holds(at: now, generation: generation) else { return nil }
            state.clock += 1
            state.entries[subject]?.lastUse = state.clock
            return entry.authority
        }
        if let known { return known }
        let built = try SubjectAuthority(of: subject, at: now, in: store)
        keep(built)
        return built
    }

    /// Carries what is known over the addition of one record, so that it needs not all be read again. `before` is the subject's
    /// generation without it; anything else than exactly this one change in between, and the next question reads everything.
    func note(_ record: CapabilityRecord, after before: Int64, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) {
        let known = state.withLock { state -> SubjectAuthority? in
            guard let entry = state.entries[record.subject], entry.authority.holds(at: now, generation: before) else { return nil }
            state.entries[record.subject] = nil // the only one who holds it: it grows in place
            state.records -= entry.authority.count
            return entry.authority
        }
        let generation = try store.capabilityGeneration(of: record.subject)
        guard var known, generation == before + 1 else { return }
        try known.add(record, generation: generation, at: now, in: store)
        keep(known)
    }

    func forget() {
        state.withLock { state in
            state.entries = [:]
            state.records = 0
        }
    }

    private func keep(_ authority: SubjectAuthority) {
        guard authority.count <= mostRecords else { return }
        state.withLock { state in
            state.clock += 1
            if let old = state.entries.removeValue(forKey: authority.subject) { state.records -= old.authority.count }
            while state.entries.count >= mostSubjects || state.records + authority.count > mostRecords,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.entries[oldest.key] = nil
                state.records -= oldest.value.authority.count
            }
            state.entries[authority.subject] = Entry(authority: authority, lastUse: state.clock)
            state.records += authority.count
        }
    }
}
