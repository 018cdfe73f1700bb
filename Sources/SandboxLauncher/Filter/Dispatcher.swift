internal import SandboxPolicy

/// What a run of numbers leads to.
enum DispatchTarget: Hashable {
    case answer(FilterAction)
    /// Index of an argument program.
    case section(Int)
}

/// Numbers from 0 up to the x32 bit, as runs with one target each.
struct RangeList {
    private let defaultTarget: DispatchTarget
    private var runs: [(start: UInt32, target: DispatchTarget)] = []
    /// First number that has not been spoken of.
    private var next: UInt32 = 0

    init(default target: DispatchTarget) { defaultTarget = target }

    /// Numbers come in ascending order; those left out have the default target.
    mutating func append(_ number: UInt32, _ target: DispatchTarget) {
        if number > next { start(at: next, defaultTarget) }
        start(at: number, target)
        next = number + 1
    }

    private mutating func start(at number: UInt32, _ target: DispatchTarget) {
        if runs.last?.target != target { runs.append((number, target)) }
    }

    /// All runs, by ascending start; the first starts at 0, the last has no end.
    var ranges: [(start: UInt32, target: DispatchTarget)] {
        var copy = self
        copy.start(at: next, defaultTarget)
        return copy.runs
    }
}

/// The head of a filter: architecture, x32, then a binary search for the run that holds the number.
enum Dispatcher {
    /// The whole program: head, then the parts it jumps to. A part loads what it needs itself.
    static func link(
        ranges: [(start: UInt32, target: DispatchTarget)], parts: [[BPFInstruction]], unknown: FilterAction
    ) -> [BPFInstruction] {
        var code: [BPFInstruction] = [
            BPFInstruction(code: BPFCode.loadWord, operand: 4),
            BPFInstruction(code: BPFCode.jumpIfEqual, whenTrue: 1, operand: SystemCall.amd64),
            answer(.killProcess),
            BPFInstruction(code: BPFCode.loadWord, operand: 0),
            // A number with the x32 bit kills, except -1: a tracer's "skip this call" is an unknown call.
            BPFInstruction(code: BPFCode.jumpIfGreaterOrEqual, whenFalse: 3, operand: SystemCall.x32Bit),
            BPFInstruction(code: BPFCode.jumpIfEqual, whenFalse: 1, operand: UInt32.max),
            answer(unknown),
            answer(.killProcess),
        ]
        var openJumps: [(at: Int, section: Int)] = []
        search(ranges[...], into: &code, openJumps: &openJumps)
        var starts: [Int] = []
        for part in parts {
            starts.append(code.count)
            code += part
        }
        for jump in openJumps { code[jump.at].operand = UInt32(starts[jump.section] - jump.at - 1) }
        return code
    }

    /// Conditional jumps reach over 255 instructions. A block has one comparison fewer than runs and its leaves behind them, so
    /// with at most this many of both every leaf is in reach.
    private static let blockSize = 256

    private static func search(
        _ ranges: ArraySlice<(start: UInt32, target: DispatchTarget)>, into code: inout [BPFInstruction],
        openJumps: inout [(at: Int, section: Int)]
    ) {
        if ranges.count + Set(ranges.map(\.target)).count <= blockSize {
            block(ranges, into: &code, openJumps: &openJumps)
            return
        }
        let middle = ranges.startIndex + ranges.count / 2
        code.append(BPFInstruction(code: BPFCode.jumpIfGreaterOrEqual, whenFalse: 1, operand: ranges[middle].start))
        let farJump = code.count
        code.append(BPFInstruction(code: BPFCode.jump, operand: 0))
        search(ranges[..<middle], into: &code, openJumps: &openJumps)
        code[farJump].operand = UInt32(code.count - farJump - 1)
        search(ranges[middle...], into: &code, openJumps: &openJumps)
    }

    /// Comparisons in pre-order, then one leaf for each different target.
    private static func block(
        _ ranges: ArraySlice<(start: UInt32, target: DispatchTarget)>, into code: inout [BPFInstruction],
        openJumps: inout [(at: Int, section: Int)]
    ) {
        let start = code.count
        let leavesStart = start + ranges.count - 1
        var leaves: [DispatchTarget] = []
        func leaf(_ target: DispatchTarget) -> Int {
            if let known = leaves.firstIndex(of: target) { return leavesStart + known }
            leaves.append(target)
            return leavesStart + leaves.count - 1
        }
        /// The index that a jump to this subtree goes to.
        func emit(_ runs: ArraySlice<(start: UInt32, target: DispatchTarget)>) -> Int {
            if runs.count == 1 { return leaf(runs[runs.startIndex].target) }
            let middle = runs.startIndex + runs.count / 2
            let at = code.count
            code.append(BPFInstruction(code: BPFCode.jumpIfGreaterOrEqual, operand: runs[middle].start))
            let below = emit(runs[..<middle])
            let above = emit(runs[middle...])
            code[at].whenTrue = UInt8(above - at - 1)
            code[at].whenFalse = UInt8(below - at - 1)
            return at
        }
        _ = emit(ranges)
        for target in leaves {
            switch target {
            case .answer(let action):
                code.append(answer(action))
            case .section(let index):
                openJumps.append((code.count, index))
                code.append(BPFInstruction(code: BPFCode.jump, operand: 0))
            }
        }
    }

    private static func answer(_ action: FilterAction) -> BPFInstruction {
        BPFInstruction(code: BPFCode.returnConstant, operand: action.kernelValue)
    }
}
