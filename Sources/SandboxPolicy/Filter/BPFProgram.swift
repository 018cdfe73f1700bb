/// One instruction of classic BPF (`struct sock_filter`).
package struct BPFInstruction: Sendable, Equatable {
    package var code: UInt16
    package var whenTrue: UInt8
    package var whenFalse: UInt8
    package var operand: UInt32

    package static let size = 8

    package init(code: UInt16, whenTrue: UInt8 = 0, whenFalse: UInt8 = 0, operand: UInt32) {
        self.code = code
        self.whenTrue = whenTrue
        self.whenFalse = whenFalse
        self.operand = operand
    }

    /// The eight bytes in the machine's order (little-endian: x86-64).
    package var bytes: [UInt8] { Self.encode([self]) }

    /// The bytes of a program.
    package static func encode(_ instructions: [BPFInstruction]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(instructions.count * size)
        for instruction in instructions {
            result.append(UInt8(truncatingIfNeeded: instruction.code))
            result.append(UInt8(truncatingIfNeeded: instruction.code >> 8))
            result.append(instruction.whenTrue)
            result.append(instruction.whenFalse)
            for byte in 0..<4 { result.append(UInt8(truncatingIfNeeded: instruction.operand >> UInt32(8 * byte))) }
        }
        return result
    }

    /// Instructions of a program; nil when the bytes are no whole number of them.
    package static func decode(_ bytes: [UInt8]) -> [BPFInstruction]? {
        guard bytes.count % size == 0 else { return nil }
        var result: [BPFInstruction] = []
        result.reserveCapacity(bytes.count / size)
        for at in stride(from: 0, to: bytes.count, by: size) {
            let code = UInt16(bytes[at]) | (UInt16(bytes[at + 1]) << 8)
            var operand: UInt32 = 0
            for byte in 0..<4 { operand |= UInt32(bytes[at + 4 + byte]) << UInt32(8 * byte) }
            result.append(BPFInstruction(code: code, whenTrue: bytes[at + 2], whenFalse: bytes[at + 3], operand: operand))
        }
        return result
    }
}

/// Opcodes of classic BPF that seccomp filters use here (linux/bpf_common.h).
package enum BPFCode {
    /// A = 32-bit word of `seccomp_data` at offset k
    package static let loadWord: UInt16 = 0x20
    /// A = k
    package static let loadConstant: UInt16 = 0x00
    /// A &= k
    package static let and: UInt16 = 0x54
    package static let jump: UInt16 = 0x05
    package static let jumpIfEqual: UInt16 = 0x15
    package static let jumpIfGreater: UInt16 = 0x25
    package static let jumpIfGreaterOrEqual: UInt16 = 0x35
    package static let jumpIfAnySet: UInt16 = 0x45
    package static let returnConstant: UInt16 = 0x06
}

extension FilterAction {
    /// SECCOMP_RET_*
    package var kernelValue: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .notify: 0x7fc0_0000
        case .errno(let number): 0x0005_0000 | UInt32(UInt16(truncatingIfNeeded: number))
        case .killProcess: 0x8000_0000
        }
    }

    /// nil for actions that no filter of ours contains (trap, trace, log, kill thread).
    package init?(kernelValue: UInt32) {
        switch (kernelValue & 0xffff_0000, kernelValue & 0xffff) {
        case (0x7fff_0000, _): self = .allow
        case (0x7fc0_0000, _): self = .notify
        case (0x0005_0000, let data): self = .errno(Int32(data))
        case (0x8000_0000, _): self = .killProcess
        default: return nil
        }
    }
}
