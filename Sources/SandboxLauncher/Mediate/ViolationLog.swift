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
    /// After so many refused calls the details of further ones are not read any more: a flood must cost the supervisor little.
    static let detailed: UInt64 = 4096

    private var order: [Key] = []
    private var known: [Key: Violation] = [:]
    private(set) var dropped: UInt64 = 0
    private(set) var total: UInt64 = 0
    private let observer: (@Sendable (Violation) -> Void)?

    init(observer: (@Sendable (Violation) -> Void)? = nil) { self.observer = observer }

    var wantsDetail: Bool { total < Self.detailed }
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
}
