import SandboxPolicy
import Testing

struct FilterEvaluatorTests {
    private static let allow = BPFInstruction(code: BPFCode.returnConstant, operand: FilterAction.allow.kernelValue)
    private static let kill = BPFInstruction(code: BPFCode.returnConstant, operand: FilterAction.killProcess.kernelValue)

    private static func run(_ head: [BPFInstruction], _ call: SystemCall) throws -> FilterAction {
        try BPFEvaluator(instructions: head + [allow, kill]).evaluate(call)
    }

    /// Each comparison jumps to `kill` when it holds.
    @Test(
        arguments: [
            (BPFCode.jumpIfEqual, 5, 5, true), (BPFCode.jumpIfEqual, 5, 6, false), (BPFCode.jumpIfGreater, 5, 5, false),
            (BPFCode.jumpIfGreater, 5, 6, true), (BPFCode.jumpIfGreaterOrEqual, 5, 5, true), (BPFCode.jumpIfGreaterOrEqual, 5, 4, false),
            (BPFCode.jumpIfAnySet, 6, 3, true), (BPFCode.jumpIfAnySet, 6, 9, false),
            // Unsigned, as in the kernel.
            (BPFCode.jumpIfGreater, 5, 0xffff_ffff, true),
        ] as [(UInt16, UInt32, UInt32, Bool)])
    func comparisons(code: UInt16, operand: UInt32, number: UInt32, holds: Bool) throws {
        let head = [
            BPFInstruction(code: BPFCode.loadWord, operand: 0), BPFInstruction(code: code, whenTrue: 1, operand: operand),
        ]
        #expect(try Self.run(head, SystemCall(number: number)) == (holds ? .killProcess : .allow))
    }

    @Test(
        arguments: [
            (0, 7), (4, 0xC000_003E), (8, 0x5566), (12, 0x3344), (16, 0x0102), (20, 0x0A0B), (56, 0x99), (60, 0x88),
        ] as [(UInt32, UInt32)])
    func loadsReadTheRightWord(offset: UInt32, expected: UInt32) throws {
        let call = SystemCall(
            number: 7, arguments: [0x0000_0A0B_0000_0102, 0, 0, 0, 0, 0x0000_0088_0000_0099], instructionPointer: 0x0000_3344_0000_5566)
        let head = [
            BPFInstruction(code: BPFCode.loadWord, operand: offset),
            BPFInstruction(code: BPFCode.jumpIfEqual, whenTrue: 1, operand: expected),
        ]
        #expect(try Self.run(head, call) == .killProcess)
    }

    @Test func andAndConstantAndJump() throws {
        let head = [
            BPFInstruction(code: BPFCode.loadConstant, operand: 0xFF), BPFInstruction(code: BPFCode.and, operand: 0x0F),
            BPFInstruction(code: BPFCode.jumpIfEqual, whenFalse: 1, operand: 0x0F), BPFInstruction(code: BPFCode.jump, operand: 1),
        ]
        #expect(try Self.run(head, SystemCall(number: 0)) == .killProcess)
    }

    @Test(arguments: [
        [BPFInstruction(code: BPFCode.loadWord, operand: 64), allow],
        [BPFInstruction(code: BPFCode.loadWord, operand: 2), allow],
        [BPFInstruction(code: BPFCode.jump, operand: 1), allow],
        [BPFInstruction(code: BPFCode.jump, operand: UInt32.max), allow],
        [BPFInstruction(code: BPFCode.jumpIfEqual, whenTrue: 1, operand: 0), allow],
        [BPFInstruction(code: BPFCode.jumpIfEqual, whenFalse: 255, operand: 0), allow],
        [BPFInstruction(code: 0x07, operand: 0), allow],
        [BPFInstruction(code: BPFCode.loadWord, operand: 0)],
        [],
        Array(repeating: allow, count: 4097),
    ])
    func invalidProgramsAreRefused(program: [BPFInstruction]) {
        #expect(throws: BPFError.self) { try BPFEvaluator(instructions: program) }
    }

    @Test func unknownActionsAreErrors() throws {
        let trap = try BPFEvaluator(instructions: [BPFInstruction(code: BPFCode.returnConstant, operand: 0x0003_0000)])
        #expect(throws: BPFError.self) { try trap.evaluate(SystemCall(number: 0)) }
    }

    @Test func bytesAndInstructionsAgree() {
        let instruction = BPFInstruction(code: 0x1234, whenTrue: 5, whenFalse: 6, operand: 0x89AB_CDEF)
        #expect(instruction.bytes == [0x34, 0x12, 5, 6, 0xEF, 0xCD, 0xAB, 0x89])
        #expect(BPFInstruction.decode(instruction.bytes) == [instruction])
        #expect(BPFInstruction.decode([1, 2, 3]) == nil)
    }

    /// Random bytes are refused or run to an end; nothing traps.
    @Test func randomProgramsAreRefusedOrEnd() {
        var random = SplitMix(state: 1)
        let codes: [UInt16] = [0x20, 0x00, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06]
        var accepted = 0
        for _ in 0..<4000 {
            let count = Int(random.next() % 12)
            var program = (0..<count).map { _ in
                BPFInstruction(
                    code: random.next() % 50 == 0 ? UInt16(truncatingIfNeeded: random.next()) : codes[Int(random.next() % 9)],
                    whenTrue: UInt8(random.next() % 5), whenFalse: UInt8(random.next() % 5), operand: UInt32(random.next() % 5) * 4)
            }
            program.append(Self.allow)
            guard let evaluator = try? BPFEvaluator(instructions: program) else { continue }
            accepted += 1
            let outcome = try? evaluator.run(SystemCall(number: UInt32(random.next() % 8), arguments: [random.next()]))
            if let outcome { #expect(outcome.steps <= program.count) }
        }
        #expect(accepted > 100)
    }
}

/// A small reproducible generator.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
