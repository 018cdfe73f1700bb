package import CapabilityLanguage

package protocol CapabilityReading {
    func capability(_ id: CapabilityID) throws(LibOSError) -> CapabilityRecord?
    /// Every record of a subject, ended ones too, in the order of issue.
    func capabilities(of subject: ProcessID) throws(LibOSError) -> [CapabilityRecord]
    /// The same without the records on one kind of resource.
    func capabilities(of subject: ProcessID, except kind: ResourceKind) throws(LibOSError) -> [CapabilityRecord]
    /// Records that hang directly below this one.
    func capabilities(delegatedFrom id: CapabilityID) throws(LibOSError) -> [CapabilityRecord]
    /// Raised by every change to a record of the subject, so that readers may keep what they parsed. 0 without any record.
    /// As long as the store is open no number stands for two states: one that an undone transaction had is not given again.
    func capabilityGeneration(of subject: ProcessID) throws(LibOSError) -> Int64
}

package protocol CapabilityWriting {
    func insert(_ capability: CapabilityRecord) throws(LibOSError)
    func update(_ capability: CapabilityRecord) throws(LibOSError)
}

extension CapabilityReading {
    package func capabilities(of subject: ProcessID, except kind: ResourceKind) throws(LibOSError) -> [CapabilityRecord] {
        try capabilities(of: subject).filter { $0.resource.kind != kind }
    }
}
