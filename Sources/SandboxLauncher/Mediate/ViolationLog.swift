internal import LinuxPrimitives

/// Violations of one run: equal ones counted, a flood bounded. What a flood of distinct ones pushes out is still counted.
struct ViolationLog {
    private struct Key: Hashable {
        var layer: String
        var syscall: String
        var arguments: String
        var program: String
    }

    /// Distinct violations that are kept.
    static let capacity = 256
    /// Of so many refused calls in a row the details are read: a flood must cost the supervisor little. In time more are.
    private var refusals = Allowance(most: 4096, oneEvery: 20_000_000)
    /// Openings that are looked at, and those that are told of. Apart: noise of one kind must not hide the other.
    private var looks = Allowance(most: 16_384, oneEvery: 500_000)
    private var findings = Allowance(most: 4096, oneEvery: 20_000_000)
    private var strayFindings = Allowance(most: 4096, oneEvery: 20_000_000)
    /// What was not looked at is said once of each kind.
    private var saidUnseen: Set<String> = []

    private var order: [Key] = []
    private var known: [Key: Violation] = [:]
    private(set) var dropped: UInt64 = 0
    private(set) var total: UInt64 = 0
    private let observer: (@Sendable (Violation) -> Void)?

    init(observer: (@Sendable (Violation) -> Void)? = nil) { self.observer = observer }

    mutating func wantsRefusal(at time: UInt64) -> Bool { refusals.take(at: time) }
    mutating func wantsLook(at time: UInt64) -> Bool { looks.take(at: time) }
    /// - Parameter isStray: of a name that is nobody's secret, of which anybody can open as many as they like.
    mutating func wantsFinding(isStray: Bool, at time: UInt64) -> Bool { isStray ? strayFindings.take(at: time) : findings.take(at: time) }

    var violations: [Violation] { order.compactMap { known[$0] } }
    var isEmpty: Bool { total == 0 }

    mutating func record(_ violation: Violation) {
        total += 1
        observer?(violation)
        let key = Key(layer: violation.layer, syscall: violation.syscall, arguments: violation.arguments, program: violation.program)
        if known[key] != nil {
            known[key]?.count += 1
        } else if order.count < Self.capacity {
            order.append(key)
            known[key] = violation
        } else {
            dropped += 1
        }
    }

    /// Counts a refused call without looking at its caller.
    mutating func countOnly() {
        total += 1
        dropped += 1
    }

    /// Whether the observer is to be told that calls of a layer are not looked at: of the first.
    mutating func beginsUnseen(_ layer: String) -> Bool { observer != nil && saidUnseen.insert(layer).inserted }
    func tellUnseen(_ violation: Violation) { observer?(violation) }
}
