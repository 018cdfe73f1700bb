internal import SandboxLauncher

/// A flood of what is worth noting is noted as a flood.
struct NoteBudget {
    /// Dropped messages of one kind that are noted.
    private static let mostDrops = 32
    /// Distinct violations of one kind that are noted at once, and how soon there is one more: noise must not blind a session of hours.
    private static let mostViolations: UInt64 = 128
    private static let interval: UInt64 = 60_000_000_000
    /// Those of one kind that are remembered as noted. What is forgotten is noted again when it comes again.
    private static let mostRemembered = 1024
    /// Kinds come from a fixed list of layers; this is for the list that grows without anybody thinking of it here.
    private static let mostKinds = 64

    private struct Violations {
        var allowance = Allowance(most: mostViolations, oneEvery: interval)
        var noted: Set<ViolationIdentity> = []
        var leftOut: UInt64 = 0
    }

    private var drops: [String: Int] = [:]
    private var violations: [String: Violations] = [:]

    /// Whether a dropped message is noted.
    mutating func admits(_ drop: RelayNote.Drop, from side: RelayNote.Side) -> Bool {
        let kind = "\(side.rawValue) \(drop.rawValue)"
        drops[kind, default: 0] += 1
        return drops[kind, default: 0] <= Self.mostDrops
    }

    enum Verdict: Equatable {
        case noted
        /// It is on record already.
        case known
        /// The first of its kind that is not noted, which is worth a note itself, and those after it.
        case leftOut(isFirst: Bool)
    }

    mutating func take(_ violation: Violation, kind: String, at time: UInt64) -> Verdict {
        let kind = violations[kind] == nil && violations.count >= Self.mostKinds ? "violation" : kind
        let identity = ViolationIdentity(violation)
        var state = violations[kind] ?? Violations()
        defer { violations[kind] = state }
        // Moved, not copied: the set is large.
        violations[kind] = nil
        if state.noted.contains(identity) { return .known }
        guard state.allowance.take(at: time) else {
            state.leftOut += 1
            return .leftOut(isFirst: state.leftOut == 1)
        }
        if state.noted.count >= Self.mostRemembered { state.noted = [] }
        state.noted.insert(identity)
        return .noted
    }

    /// Counts what never came here. True for the first of a kind.
    mutating func leaveOut(_ count: UInt64, kind: String) -> Bool {
        let before = violations[kind]?.leftOut ?? 0
        violations[kind, default: Violations()].leftOut += count
        return before == 0 && count > 0
    }

    func leftOut() -> [RelayNote] {
        let drops = drops.filter { $0.value > Self.mostDrops }.sorted { $0.key < $1.key }
        let violations = violations.filter { $0.value.leftOut > 0 }.sorted { $0.key < $1.key }
        return drops.map { .suppressed($0.value - Self.mostDrops, of: $0.key) }
            + violations.map { .violationsLeftOut($0.value.leftOut, of: $0.key) }
    }
}
