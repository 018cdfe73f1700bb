internal import SandboxLauncher

/// Violations that wait for the relay. It takes them in its own time, and the server makes them in its own.
struct WaitingViolations {
    /// Distinct ones of one kind that wait; more are counted.
    private static let most = 256

    private(set) var violations: [Violation] = []
    private(set) var lost: [String: UInt64] = [:]
    private var known: Set<ViolationIdentity> = []
    private var counts: [String: Int] = [:]

    /// What happens again before it was taken waits once.
    mutating func add(_ violation: Violation) {
        let identity = ViolationIdentity(violation)
        if known.contains(identity) { return }
        let kind = violation.kind
        guard counts[kind, default: 0] < Self.most else { return lost[kind, default: 0] += 1 }
        counts[kind, default: 0] += 1
        known.insert(identity)
        violations.append(violation)
    }
}
