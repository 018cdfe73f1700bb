package import CapabilityLanguage

/// One statement of authority: who may, must ask before, or may not do something with a resource.
package struct CapabilityRecord: Sendable, Hashable {
    package var id: CapabilityID
    package var subject: ProcessID
    package var resource: Resource
    package var rights: Set<CapabilityRight>
    package var effect: Effect
    package var constraints: CapabilityConstraints
    /// A process, `human:<name>`, or a part of the runtime such as `process.fork:<pid>`.
    package var issuedBy: String
    package var issuedAt: Timestamp
    /// The instant itself counts as expired.
    package var expiresAt: Timestamp?
    package var isDelegable: Bool
    package var isRevocable: Bool
    package var status: Status
    /// The record that this one was delegated or inherited from: it falls with that one.
    package var parent: CapabilityID?
    package var delegationDepth: Int64
    /// How many further delegations may hang below; nil means no bound.
    package var maxDelegationDepth: Int64?
    /// Uses that are left; nil means any number. Reserved ones are already taken off.
    package var usesRemaining: Int64?
    /// Uses that are taken off and whose action has not been seen to begin. Each is settled once: taken for good, or given back.
    /// One that a crash left open stays taken.
    package var reservations: Set<ReservationID>

    package enum Status: String, Sendable, CaseIterable, Hashable {
        case active, revoked
        /// Fell with its parent.
        case disabled
        /// Its last use was taken.
        case consumed
    }

    package init(
        id: CapabilityID = .new(), subject: ProcessID, resource: Resource, rights: Set<CapabilityRight>, effect: Effect = .allow,
        constraints: CapabilityConstraints = CapabilityConstraints(), issuedBy: String, issuedAt: Timestamp, expiresAt: Timestamp? = nil,
        isDelegable: Bool = false, isRevocable: Bool = true, status: Status = .active, parent: CapabilityID? = nil,
        delegationDepth: Int64 = 0, maxDelegationDepth: Int64? = nil, usesRemaining: Int64? = nil,
        reservations: Set<ReservationID> = []
    ) {
        self.id = id
        self.subject = subject
        self.resource = resource
        self.rights = rights
        self.effect = effect
        self.constraints = constraints
        self.issuedBy = issuedBy
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.isDelegable = isDelegable
        self.isRevocable = isRevocable
        self.status = status
        self.parent = parent
        self.delegationDepth = delegationDepth
        self.maxDelegationDepth = maxDelegationDepth
        self.usesRemaining = usesRemaining
        self.reservations = reservations
    }

    package func isActive(at instant: Timestamp) -> Bool {
        guard status == .active else { return false }
        if let expiresAt, expiresAt <= instant { return false }
        if let usesRemaining, usesRemaining <= 0 { return false }
        return true
    }
}

/// What else must be true for a record to decide. A key that is not known here makes a decision fail, so keys that were read are kept.
package struct CapabilityConstraints: Sendable, Hashable {
    /// SHA-256 of the canonical action, lower-case hexadecimal: only this very action. Approvals carry it.
    package var actionHash: String?
    /// Only calls of these tools, by name.
    package var tools: Set<String>?
    /// Programs' argument lists must start with one of these (for `shell:`).
    package var argumentPrefixes: [[String]]?
    /// Keys that this version does not know.
    package var unknown: Set<String>

    package init(
        actionHash: String? = nil, tools: Set<String>? = nil, argumentPrefixes: [[String]]? = nil, unknown: Set<String> = []
    ) {
        self.actionHash = actionHash
        self.tools = tools
        self.argumentPrefixes = argumentPrefixes
        self.unknown = unknown
    }

    package var isEmpty: Bool { actionHash == nil && tools == nil && argumentPrefixes == nil && unknown.isEmpty }
}

/// The durable policies that people choose among, in the words of the reference.
package enum PermissionPolicy: String, Sendable, CaseIterable, Hashable {
    case alwaysAllow = "always_allow"
    case alwaysDeny = "always_deny"
    case askEachTime = "ask_each_time"
    case allowOnce = "allow_once"

    package var effect: Effect {
        switch self {
        case .alwaysAllow, .allowOnce: .allow
        case .alwaysDeny: .deny
        case .askEachTime: .ask
        }
    }

    package var uses: Int64? { self == .allowOnce ? 1 : nil }
}
