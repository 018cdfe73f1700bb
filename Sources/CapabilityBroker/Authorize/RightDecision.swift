package import CapabilityLanguage
package import LibOSModel
package import SandboxPolicy

/// What the records, and the policy if there is one, say about one right on one resource.
package struct RightDecision: Sendable {
    package var resource: Resource
    package var right: CapabilityRight
    package var effect: Effect
    package var cause: Cause
    /// Records of the subject that speak of it, in the order of issue.
    package var matched: [CapabilityID]
    /// The record that decided; nil when none matched.
    package var selected: CapabilityID?
    /// From the deciding record to the first one of its line.
    package var issuers: [IssuerLink]
    /// Of the deciding record.
    package var constraints: [ConstraintResult]
    /// Whether the deciding record is used up by being used.
    package var isCounted: Bool
    /// Whether the deciding record is a person's yes to this very action, so that an `ask` of the policy is answered as well.
    package var answersPolicy: Bool
    /// Places below the resource that stay refused although the resource is allowed.
    package var holes: [AuthorityHole]

    package enum Cause: Sendable {
        /// The deciding record's own effect.
        case record
        case noRecord
        /// A constraint of the deciding record is not met: the decision fails as a whole.
        case constraint
        /// A record speaks of a place inside the resource, and no part of it can be left out.
        case inside(Resource)
        case policy(Decision)
    }
}

/// A place inside an allowed tree that the grant leaves out.
package struct AuthorityHole: Sendable, Hashable {
    package var resource: Resource
    package var right: CapabilityRight
    /// Record that says so.
    package var capability: CapabilityID

    package init(resource: Resource, right: CapabilityRight, capability: CapabilityID) {
        self.resource = resource
        self.right = right
        self.capability = capability
    }
}
