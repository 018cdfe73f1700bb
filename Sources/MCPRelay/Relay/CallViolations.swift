internal import SandboxLauncher

/// What one call's record names of the violations while it was under way.
struct CallViolations {
    private static let most = 16
    private(set) var named: [Violation] = []
    /// Others there were, each time counted.
    private(set) var leftOut: UInt64 = 0
    private var identities: Set<ViolationIdentity> = []
    private var counts: [String: Int] = [:]

    mutating func add(_ violation: Violation, kind: String) {
        let identity = ViolationIdentity(violation)
        if identities.contains(identity) { return }
        if named.count >= Self.most, !makeRoom(for: kind) { return leaveOut(1) }
        identities.insert(identity)
        counts[kind, default: 0] += 1
        named.append(violation)
    }

    mutating func leaveOut(_ count: UInt64) { leftOut = leftOut.addingReportingOverflow(count).overflow ? .max : leftOut + count }

    /// Of a kind that has taken most of the room, the last one goes when another kind has had less.
    private mutating func makeRoom(for kind: String) -> Bool {
        guard let (crowd, count) = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }), counts[kind, default: 0] + 1 < count,
            let place = named.lastIndex(where: { $0.kind == crowd })
        else { return false }
        identities.remove(ViolationIdentity(named.remove(at: place)))
        counts[crowd] = count - 1
        leaveOut(1)
        return true
    }
}
