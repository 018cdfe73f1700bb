package import CapabilityLanguage
package import LibOSModel

/// What one process holds in one transaction, for asking the same right of many resources: as long as no record of the process changes,
/// each answer is that of `authorize`.
package struct HeldAuthority: Sendable {
    private let authority: SubjectAuthority

    fileprivate init(_ authority: SubjectAuthority) { self.authority = authority }

    /// Whether this very record decides on a resource that stands for nothing but itself, and says yes without a condition: then every
    /// action of the process is allowed, and no use is taken. False says nothing: ask `authorize`.
    package func isPlainlyAllowed(_ right: CapabilityRight, on resource: Resource, by id: CapabilityID) -> Bool {
        guard resource.extent == .exact, let held = authority[resource.kind], let index = authority.index(of: id, in: resource.kind)
        else { return false }
        let record = held.records[index]
        // A right of files reaches what lies below them.
        return resource.kind != .filesystem && record.isPlainAllow && record.rights.contains(right)
            && held.decider(Cell(path: resource.parts, strictlyBelow: false), right) == index
    }
}

extension CapabilityBroker {
    package func held(by subject: ProcessID, in store: any StoreReading) throws(LibOSError) -> HeldAuthority {
        HeldAuthority(try cache.authority(of: subject, at: store.now, in: store))
    }
}
