package import LibOSModel

/// One step on the way from a record to whoever gave the authority first.
package struct IssuerLink: Sendable, Hashable {
    package var capability: CapabilityID
    package var issuedBy: String
}

/// A record's ancestors. A record holds only as long as every one of them does.
struct Lineage {
    /// From the record itself to its root.
    var chain: [IssuerLink] = []
    /// Whether the record and all its ancestors are in force.
    var holds = true
    /// The first instant at which one of them has expired.
    var expiresAt: Timestamp?

    /// Records that may hang below one another. Longer chains, and circles, hold nothing.
    static let longest = 32

    init(of record: CapabilityRecord, at now: Timestamp, in store: any CapabilityReading) throws(LibOSError) {
        var next: CapabilityRecord? = record
        while let current = next {
            chain.append(IssuerLink(capability: current.id, issuedBy: current.issuedBy))
            if !current.isActive(at: now) || chain.count > Self.longest { holds = false }
            if let end = current.expiresAt { expiresAt = expiresAt.map { min($0, end) } ?? end }
            guard holds, let parent = current.parent else { break }
            next = try store.capability(parent)
            if next == nil { holds = false }
        }
    }
}
