package import SandboxPolicy

/// A compiled filter: an array of `struct sock_filter`, ready for the launcher.
package struct FilterProgram: Sendable, Equatable {
    package let bytes: [UInt8]
    /// Where the address of the launcher's one `execve` belongs; nil when the tool may execute programs freely, or when the
    /// specification did not ask for it.
    package let execPointer: ExecPointerPatch?

    /// Byte offsets of the two 32-bit operands, in the machine's byte order.
    package struct ExecPointerPatch: Sendable, Equatable {
        package let high: Int
        package let low: Int
    }

    package var instructionCount: Int { bytes.count / BPFInstruction.size }

    /// The program for one launch, whose path to execute stands at `address`. A program without a place for it is returned as it is.
    package func patched(execPointer address: UInt64) -> [UInt8] {
        guard let execPointer else { return bytes }
        var result = bytes
        for byte in 0..<4 {
            result[execPointer.high + byte] = UInt8(truncatingIfNeeded: address >> (32 + 8 * UInt64(byte)))
            result[execPointer.low + byte] = UInt8(truncatingIfNeeded: address >> (8 * UInt64(byte)))
        }
        return result
    }

    /// Finds the placeholder in finished instructions. It must be there exactly once where the specification has it, and not at
    /// all otherwise: a filter that is patched in the wrong place is worse than none.
    init(instructions: [BPFInstruction], hasExecPointer: Bool) throws(FilterCompileError) {
        let high = Self.operands(equalTo: UInt32(ExecPointer.placeholder >> 32), in: instructions)
        let low = Self.operands(equalTo: UInt32(truncatingIfNeeded: ExecPointer.placeholder), in: instructions)
        if hasExecPointer {
            guard high.count == 1, low.count == 1 else {
                throw FilterCompileError.execPointer(found: max(high.count, low.count))
            }
            execPointer = ExecPointerPatch(high: high[0], low: low[0])
        } else {
            execPointer = nil
        }
        bytes = BPFInstruction.encode(instructions)
    }

    init(bytes: [UInt8], execPointer: ExecPointerPatch?) {
        self.bytes = bytes
        self.execPointer = execPointer
    }

    private static func operands(equalTo value: UInt32, in instructions: [BPFInstruction]) -> [Int] {
        instructions.indices
            .filter { instructions[$0].code == BPFCode.jumpIfEqual && instructions[$0].operand == value }
            .map { $0 * BPFInstruction.size + 4 }
    }
}

/// Why a specification could not become a program. None of these is a policy author's fault: they mean a specification that
/// was imported or built wrongly, or a machine without memory files.
package enum FilterCompileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A rule that no filter can hold: number, argument index or condition.
    case invalidRule(call: String, reason: String)
    /// libseccomp refused a step; a negated errno.
    case library(step: String, call: String?, code: Int32)
    case tooLong(instructions: Int)
    case execPointer(found: Int)
    case malformed(BPFError)

    package var description: String {
        switch self {
        case .invalidRule(let call, let reason): "the filter rule for \(call) is invalid: \(reason)"
        case .library(let step, let call, let code):
            "libseccomp refused \(step)\(call.map { " for \($0)" } ?? ""): error \(-code)"
        case .tooLong(let instructions):
            "the filter needs \(instructions) instructions, the kernel takes \(BPFEvaluator.maximumInstructions); allow whole groups"
        case .execPointer(let found): "the place of the execve address was found \(found) times instead of once"
        case .malformed(let error): "the compiled filter is malformed: \(error)"
        }
    }
}
