/// Why a run was ended by its supervisor. The first one stays: whatever the tree then does on its way out is not the cause.
struct RunCause {
    private(set) var outcome: RunOutcome?

    mutating func settle(_ outcome: RunOutcome) {
        if self.outcome == nil { self.outcome = outcome }
    }

    var isSettled: Bool { outcome != nil }
}
