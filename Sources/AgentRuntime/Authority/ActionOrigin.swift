internal import CapabilityBroker
package import LibOSModel
internal import Synchronization

/// Who acts, and in which action: what the broker decides about.
package struct ActionOrigin: Sendable {
    package var process: ProcessID
    /// Tool or operation, for constraints that name tools.
    package var tool: String
    /// Of the action, for approvals that are bound to it.
    package var actionHash: String?
    /// Where an action of several steps puts off the uses that it takes; nil: each step takes its own at once.
    var uses: ActionUses?

    package init(process: ProcessID, tool: String, actionHash: String? = nil) {
        self.process = process
        self.tool = tool
        self.actionHash = actionHash
    }
}

/// Counted records that one action rests on, to be taken once at its end.
final class ActionUses: Sendable {
    private let state = Mutex<AuthorizationDecision?>(nil)

    func add(_ decision: AuthorizationDecision) {
        state.withLock { known in
            guard var sum = known else { return known = decision }
            sum.oneShots += decision.oneShots.filter { !sum.oneShots.contains($0) }
            known = sum
        }
    }

    var decision: AuthorizationDecision? { state.withLock { $0 } }
}
