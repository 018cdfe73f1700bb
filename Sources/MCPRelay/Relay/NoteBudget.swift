internal import SandboxLauncher

/// A flood of what is worth noting is noted as a flood.
struct NoteBudget {
    /// Notes of one kind that are kept.
    private static let most = 32
    private var counts: [String: Int] = [:]
    private var seen: [Violation] = []

    mutating func admits(_ note: RelayNote) -> Bool {
        let kind: String
        switch note {
        case .dropped(let drop, let side, _): kind = "\(side.rawValue) \(drop.rawValue)"
        case .violation(let violation):
            if seen.contains(where: { $0.isSame(as: violation) }) { return false }
            if seen.count < 4 * Self.most { seen.append(violation) }
            kind = "violation"
        case .suppressed: return true
        }
        counts[kind, default: 0] += 1
        if case .violation = note { return counts[kind, default: 0] <= 4 * Self.most }
        return counts[kind, default: 0] <= Self.most
    }

    func leftOut() -> [(kind: String, count: Int)] {
        counts.filter { $0.value > Self.most && $0.key != "violation" }.map { ($0.key, $0.value - Self.most) }.sorted { $0.kind < $1.kind }
    }
}

extension Violation {
    func isSame(as other: Violation) -> Bool {
        layer == other.layer && syscall == other.syscall && arguments == other.arguments && program == other.program
    }
}
