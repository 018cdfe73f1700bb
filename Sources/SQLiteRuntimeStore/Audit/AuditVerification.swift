/// What a walk through the whole audit found.
package struct AuditVerification: Sendable, Hashable {
    /// Records that are as they were written, from the first one on.
    package var verified: Int64
    /// Hash of the last of them, lower-case hexadecimal; zeros when there is none. Noted elsewhere, it shows later that nothing before
    /// it was changed.
    package var headHash: String
    /// Large decisions that retention has dropped. The chain still proves what they were.
    package var dropped: Int64
    /// The first thing that is wrong; nil when the audit is whole.
    package var fault: AuditFault?

    package var isWhole: Bool { fault == nil }
}

/// The first bad place of an audit.
package struct AuditFault: Sendable, Hashable, CustomStringConvertible {
    /// Place in the chain, from 1.
    package var sequence: Int64
    /// Id of the record at that place; nil when there is none or it cannot be read.
    package var record: String?
    package var kind: Kind
    /// One sentence for people.
    package var reason: String

    package enum Kind: String, Sendable, CaseIterable, Hashable {
        /// The record's fields do not have its hash.
        case hash
        /// The record does not name the hash of the one before.
        case link
        /// A record is missing between two others.
        case gap
        /// The record is older than the one before, or its place is before the first.
        case order
        /// A kept decision is not the one that the record names.
        case content
        /// The last records are missing.
        case missingTail = "missing_tail"
        /// There are records behind the last one, or the end names another hash.
        case head
        /// A column cannot be read.
        case unreadable
    }

    package var description: String { "audit record \(sequence)\(record.map { " (\($0))" } ?? ""): \(reason)" }
}
