package enum ObjectType: String, Sendable, CaseIterable, Hashable {
    case task, goal, plan, step, constraint, message
    case humanDecision = "human_decision"
    case humanRequest = "human_request"
    case toolResult = "tool_result"
    case observation
    case errorTrace = "error_trace"
    case codePatch = "code_patch"
    case testResult = "test_result"
    case evidence, claim, summary, skill
    case toolSpec = "tool_spec"
    case toolCandidate = "tool_candidate"
    case toolArtifact = "tool_artifact"
    case checkpoint
    case processState = "process_state"
    case externalRef = "external_ref"
    case artifact
}

/// What a handle lets its holder do with an object.
package enum ObjectRight: String, Sendable, CaseIterable, Hashable, Comparable {
    case read, write, link, diff, materialize, delete, grant

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    package static func < (a: ObjectRight, b: ObjectRight) -> Bool { a.rank < b.rank }
}

package enum RelationType: String, Sendable, CaseIterable, Hashable {
    case hasPlan = "has_plan"
    case hasStep = "has_step"
    case constrainedBy = "constrained_by"
    case supportedBy = "supported_by"
    case produced
    case evaluatedBy = "evaluated_by"
    case derivedFrom = "derived_from"
    case summarizes, references
    case approvedBy = "approved_by"
    case rejectedBy = "rejected_by"
    case supersedes
    case blockedBy = "blocked_by"
    case assignedTo = "assigned_to"
}

package enum ViewMode: String, Sendable, CaseIterable, Hashable {
    case readOnly = "read_only"
    /// A writable handle on the same object, as the reference has it; nothing is copied.
    case copyOnWrite = "copy_on_write"
    case mutable, ephemeral

    package var mayWrite: Bool { self == .mutable || self == .copyOnWrite }
}
