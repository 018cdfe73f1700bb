/// One call as a filter sees it.
package struct SystemCall: Sendable, Equatable {
    package var number: UInt32
    /// AUDIT_ARCH_*
    package var architecture: UInt32
    /// Six registers.
    package var arguments: [UInt64]
    package var instructionPointer: UInt64

    /// AUDIT_ARCH_X86_64
    package static let amd64: UInt32 = 0xC000_003E
    /// AUDIT_ARCH_I386
    package static let i386: UInt32 = 0x4000_0003
    /// Set in the number of a call by the x32 ABI.
    package static let x32Bit: UInt32 = 0x4000_0000

    /// Missing arguments are 0, those beyond the sixth are dropped.
    package init(
        number: UInt32, architecture: UInt32 = SystemCall.amd64, arguments: [UInt64] = [], instructionPointer: UInt64 = 0
    ) {
        self.number = number
        self.architecture = architecture
        self.arguments = Array((arguments + repeatElement(0, count: 6)).prefix(6))
        self.instructionPointer = instructionPointer
    }
}

extension FilterSpecification {
    /// What the specification says about a call, without any compilation: the meaning that a compiled program must have.
    package func decide(_ call: SystemCall) -> FilterAction {
        guard call.architecture == SystemCall.amd64 else { return .killProcess }
        // Number -1 is how a tracer says "skip"; every other number with the bit is the x32 ABI.
        if call.number != UInt32.max, call.number >= SystemCall.x32Bit { return .killProcess }
        return rule(for: call)?.action ?? defaultAction
    }

    /// The rule that decides a call of x86-64; nil when the default does.
    package func rule(for call: SystemCall) -> SyscallRule? {
        var otherwise: SyscallRule?
        for rule in rules where UInt32(bitPattern: rule.number) == call.number {
            if rule.conditions.isEmpty {
                otherwise = rule
            } else if rule.conditions.allSatisfy({ $0.holds(for: call) }) {
                return rule
            }
        }
        return otherwise
    }
}

extension ArgumentCondition {
    package func holds(for call: SystemCall) -> Bool {
        guard argument < 6 else { return false }
        let given = call.arguments[Int(argument)]
        return switch comparison {
        case .maskedEqual(let mask): given & mask == value
        case .equal: given == value
        case .notEqual: given != value
        case .less: given < value
        case .lessOrEqual: given <= value
        case .greater: given > value
        case .greaterOrEqual: given >= value
        }
    }
}
