/// Runs a compiled filter over made-up calls, as the kernel would, so that policies can be tested without a kernel.
///
/// A program is checked when it is taken: known opcodes, aligned loads inside `seccomp_data`, forward jumps that stay inside,
/// a return at the end. After that it always ends, in at most as many steps as it has instructions.
package struct BPFEvaluator: Sendable {
    package let instructions: [BPFInstruction]

    /// BPF_MAXINSNS
    package static let maximumInstructions = 4096

    package init(bytes: [UInt8]) throws(BPFError) {
        guard let instructions = BPFInstruction.decode(bytes) else {
            throw BPFError(index: 0, message: "\(bytes.count) bytes are no whole number of instructions")
        }
        try self.init(instructions: instructions)
    }

    package init(instructions: [BPFInstruction]) throws(BPFError) {
        guard (1...Self.maximumInstructions).contains(instructions.count) else {
            throw BPFError(index: 0, message: "\(instructions.count) instructions; 1…\(Self.maximumInstructions) are possible")
        }
        for (index, instruction) in instructions.enumerated() {
            try Self.check(instruction, at: index, count: instructions.count)
        }
        guard instructions[instructions.count - 1].code == BPFCode.returnConstant else {
            throw BPFError(index: instructions.count - 1, message: "the last instruction is no return")
        }
        self.instructions = instructions
    }

    private static func check(_ instruction: BPFInstruction, at index: Int, count: Int) throws(BPFError) {
        switch instruction.code {
        case BPFCode.loadWord:
            // 64 bytes: number, architecture, instruction pointer, six arguments.
            guard instruction.operand % 4 == 0, instruction.operand < 64 else {
                throw BPFError(index: index, message: "load outside the call data")
            }
        case BPFCode.jump:
            guard UInt64(index) + 1 + UInt64(instruction.operand) < UInt64(count) else {
                throw BPFError(index: index, message: "jump past the end")
            }
        case BPFCode.jumpIfEqual, BPFCode.jumpIfGreater, BPFCode.jumpIfGreaterOrEqual, BPFCode.jumpIfAnySet:
            guard index + 1 + Int(max(instruction.whenTrue, instruction.whenFalse)) < count else {
                throw BPFError(index: index, message: "jump past the end")
            }
        case BPFCode.loadConstant, BPFCode.and, BPFCode.returnConstant:
            break
        default:
            throw BPFError(index: index, message: "unknown operation \(instruction.code)")
        }
    }

    /// What the program answers to a call.
    package func evaluate(_ call: SystemCall) throws(BPFError) -> FilterAction {
        try run(call).action
    }

    /// The answer and the number of instructions that led to it.
    package func run(_ call: SystemCall) throws(BPFError) -> (action: FilterAction, steps: Int) {
        var accumulator: UInt32 = 0
        var index = 0
        for step in 1...instructions.count {
            let now = instructions[index]
            index += 1
            switch now.code {
            case BPFCode.loadWord: accumulator = Self.word(of: call, at: now.operand)
            case BPFCode.loadConstant: accumulator = now.operand
            case BPFCode.and: accumulator &= now.operand
            case BPFCode.jump: index += Int(now.operand)
            case BPFCode.jumpIfEqual: index += Int(accumulator == now.operand ? now.whenTrue : now.whenFalse)
            case BPFCode.jumpIfGreater: index += Int(accumulator > now.operand ? now.whenTrue : now.whenFalse)
            case BPFCode.jumpIfGreaterOrEqual: index += Int(accumulator >= now.operand ? now.whenTrue : now.whenFalse)
            case BPFCode.jumpIfAnySet: index += Int(accumulator & now.operand != 0 ? now.whenTrue : now.whenFalse)
            default:
                guard let action = FilterAction(kernelValue: now.operand) else {
                    throw BPFError(index: index - 1, message: "unknown action \(String(now.operand, radix: 16))")
                }
                return (action, step)
            }
        }
        throw BPFError(index: index, message: "no return was reached")
    }

    /// A word of `struct seccomp_data`; the low half of a 64-bit field comes first.
    private static func word(of call: SystemCall, at offset: UInt32) -> UInt32 {
        switch offset {
        case 0: return call.number
        case 4: return call.architecture
        default:
            let wide = offset < 16 ? call.instructionPointer : call.arguments[Int((offset - 16) / 8)]
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? wide : wide >> 32)
        }
    }
}

/// A program that is no valid filter of ours.
package struct BPFError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Of the instruction.
    package var index: Int
    package var message: String

    package var description: String { "BPF instruction \(index): \(message)" }
}
