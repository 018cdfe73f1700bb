package import CapabilityLanguage
package import LibOSModel

/// What a new record is to say.
package struct CapabilityTerms: Sendable, Hashable {
    package var resource: Resource
    package var rights: Set<CapabilityRight>
    package var effect: Effect
    package var constraints: CapabilityConstraints
    /// nil: no end, or the parent's when there is one.
    package var expiresAt: Timestamp?
    package var isDelegable: Bool
    package var isRevocable: Bool
    /// Further delegations below the new record; nil: no bound, or what the parent leaves.
    package var maxDelegationDepth: Int64?
    /// nil: any number.
    package var uses: Int64?

    package init(
        resource: Resource, rights: Set<CapabilityRight>, effect: Effect = .allow, constraints: CapabilityConstraints = .init(),
        expiresAt: Timestamp? = nil, isDelegable: Bool = false, isRevocable: Bool = true, maxDelegationDepth: Int64? = nil,
        uses: Int64? = nil
    ) {
        self.resource = resource
        self.rights = rights
        self.effect = effect
        self.constraints = constraints
        self.expiresAt = expiresAt
        self.isDelegable = isDelegable
        self.isRevocable = isRevocable
        self.maxDelegationDepth = maxDelegationDepth
        self.uses = uses
    }

    /// Refuses what no record may say, whoever says it.
    func validate(at now: Timestamp) throws(LibOSError) {
        func refuse(_ message: String, _ mend: String) -> LibOSError { LibOSError(.validation, message, mend: mend) }
        let accepted = Set(resource.acceptedRights)
        if rights.isEmpty { throw refuse("a record for \(resource) names no right", "name at least one") }
        if let foreign = rights.subtracting(accepted).min() {
            throw refuse(
                "\(resource) has no right `\(foreign.rawValue)`",
                "it has: " + CapabilityRight.inOrder(accepted).map(\.rawValue).joined(separator: ", "))
        }
        // Records outlive this program: what they say must read back as what it was.
        guard let again = try? Resource.parse(resource.description), again == resource.asGranted else {
            throw refuse("\(resource) does not read back as the same resource", "make resources with Resource.parse")
        }
        if let key = constraints.unknown.min() {
            throw refuse("the constraint `\(key)` is not known", "known are: action_hash, tools, argument_prefixes")
        }
        if constraints.actionHash?.isEmpty == true { throw refuse("the action hash is empty", "give the hash of one action") }
        if let expiresAt, expiresAt <= now { throw refuse("the record would be expired from the start", "name a later end") }
        if let uses, uses < 1 { throw refuse("a record for \(uses) uses says nothing", "name 1 or more, or no number") }
        if let depth = maxDelegationDepth, depth < 0 { throw refuse("\(depth) is no depth of delegation", "name 0 or more") }
        if effect == .allow { return }
        let word = effect.rawValue
        if uses != nil { throw refuse("only an allow is counted, not \(word)", "leave the number of uses out") }
        if isDelegable { throw refuse("only an allow is handed on, not \(word)", "leave `delegable` out") }
        if effect == .deny, !constraints.isEmpty {
            throw refuse("a deny with a condition would deny everything else too", "constrain the allow instead")
        }
    }

    func record(
        for subject: ProcessID, by issuer: String, at now: Timestamp, below parent: CapabilityRecord? = nil
    ) -> CapabilityRecord {
        CapabilityRecord(
            subject: subject, resource: resource.asGranted, rights: rights, effect: effect, constraints: constraints, issuedBy: issuer,
            issuedAt: now, expiresAt: expiresAt, isDelegable: isDelegable, isRevocable: isRevocable, parent: parent?.id,
            delegationDepth: parent.map { $0.delegationDepth &+ 1 } ?? 0, maxDelegationDepth: maxDelegationDepth, usesRemaining: uses)
    }
}
