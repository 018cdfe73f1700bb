package import CapabilityLanguage
package import LibOSModel
package import SandboxPolicy

/// Whether a process may do one action: what the tool broker asks, and what it does with the answer.
///
/// All four are synchronous and belong into one transaction each: between a decision and its record nothing can come.
package protocol CallAuthority: Sendable {
    /// Decides all needs together; changes nothing.
    func decide(_ question: AuthorityQuestion, in store: any StoreReading) throws(LibOSError) -> AuthorityAnswer
    /// Takes the one-shot records that an allowed action rests on, before the action starts. A crash leaves them taken.
    func reserve(_ answer: AuthorityAnswer, in transaction: any StoreTransaction) throws(LibOSError) -> [CallReservation]
    /// The action had its first effect: the uses are gone.
    func commit(_ reservations: [CallReservation], in transaction: any StoreTransaction) throws(LibOSError)
    /// It is proved that nothing started: the uses come back.
    func restore(_ reservations: [CallReservation], in transaction: any StoreTransaction) throws(LibOSError)
}

package struct AuthorityQuestion: Sendable {
    package var process: ProcessID
    package var needs: [NeededRight]
    package var tool: String
    package var actionHash: String
    /// Of the program, for commands.
    package var arguments: [String]?
    package var policy: ResolvedPolicy?

    package init(
        process: ProcessID, needs: [NeededRight], tool: String, actionHash: String, arguments: [String]? = nil,
        policy: ResolvedPolicy? = nil
    ) {
        self.process = process
        self.needs = needs
        self.tool = tool
        self.actionHash = actionHash
        self.arguments = arguments
        self.policy = policy
    }
}

package struct AuthorityAnswer: Sendable {
    package var effect: Effect
    package var reason: String
    /// Records that an allowed action rests on.
    package var capabilities: [CapabilityID]
    /// Those among them that count their uses.
    package var oneShots: [CapabilityID]
    /// When a person must agree: to what.
    package var asked: [NeededRight]
    /// When the effect is deny.
    package var denial: Denial?
    /// The policy cut down to what was granted for this action.
    package var confine: @Sendable (ResolvedPolicy, [LimitName: UInt64]) -> ResolvedPolicy

    package init(
        effect: Effect, reason: String, capabilities: [CapabilityID] = [], oneShots: [CapabilityID] = [], asked: [NeededRight] = [],
        denial: Denial? = nil, confine: @escaping @Sendable (ResolvedPolicy, [LimitName: UInt64]) -> ResolvedPolicy
    ) {
        self.effect = effect
        self.reason = reason
        self.capabilities = capabilities
        self.oneShots = oneShots
        self.asked = asked
        self.denial = denial
        self.confine = confine
    }
}

/// One use that was taken off a record and is not settled yet.
package struct CallReservation: Sendable, Hashable {
    package var capability: CapabilityID
    /// Names the reservation where the record keeps several.
    package var token: String

    package init(capability: CapabilityID, token: String) {
        self.capability = capability
        self.token = token
    }
}
