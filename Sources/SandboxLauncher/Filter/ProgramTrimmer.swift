internal import SandboxPolicy

/// Takes out of a libseccomp program what decides nothing.
///
/// For a comparison of the low 32 bits libseccomp 2.5.4 also compares the upper half, under a mask of 0: load, AND 0, is it 0?
/// These are a third of an argument program, and the kernel takes time for each instruction that it installs.
enum ProgramTrimmer {
    static func trimmed(_ instructions: [BPFInstruction]) -> [BPFInstruction] {
        var graph = instructions.enumerated().map { Node($0.element, at: $0.offset) }
        var origins = [[Int]](repeating: [], count: graph.count)
        for (index, node) in graph.enumerated() where !node.isReturn {
            origins[node.whenTrue].append(index)
            if node.whenFalse != node.whenTrue { origins[node.whenFalse].append(index) }
        }
        for index in graph.indices.dropLast(3) where isEmptyComparison(graph, at: index, origins) {
            bypass(index, in: &graph, &origins)
        }
        return relinked(graph)
    }

    /// An instruction with absolute targets: for jumps both, for others the next instruction.
    private struct Node {
        var instruction: BPFInstruction
        var whenTrue: Int
        var whenFalse: Int

        init(_ instruction: BPFInstruction, at index: Int) {
            self.instruction = instruction
            let next = index + 1
            switch instruction.code {
            case BPFCode.jump: (whenTrue, whenFalse) = (next + Int(instruction.operand), next + Int(instruction.operand))
            case BPFCode.loadWord, BPFCode.loadConstant, BPFCode.and, BPFCode.returnConstant: (whenTrue, whenFalse) = (next, next)
            default: (whenTrue, whenFalse) = (next + Int(instruction.whenTrue), next + Int(instruction.whenFalse))
            }
        }

        var isReturn: Bool { instruction.code == BPFCode.returnConstant }
        var isConditional: Bool {
            switch instruction.code {
            case BPFCode.jumpIfEqual, BPFCode.jumpIfGreater, BPFCode.jumpIfGreaterOrEqual, BPFCode.jumpIfAnySet: true
            default: false
            }
        }
    }

    /// - Parameter origins: from where each instruction is reached.
    private static func isEmptyComparison(_ graph: [Node], at index: Int, _ origins: [[Int]]) -> Bool {
        let (and, test) = (graph[index + 1].instruction, graph[index + 2].instruction)
        guard graph[index].instruction.code == BPFCode.loadWord, and.code == BPFCode.and, and.operand == 0,
            test.code == BPFCode.jumpIfEqual, test.operand == 0
        else { return false }
        // What follows must load for itself: the accumulator will hold something else.
        let target = graph[index + 2].whenTrue
        guard graph[target].instruction.code == BPFCode.loadWord || graph[target].isReturn else { return false }
        // Everybody who comes here must come by a conditional jump that reaches the target too; nobody may enter in the middle.
        return origins[index + 1] == [index] && origins[index + 2] == [index + 1]
            && origins[index].allSatisfy { graph[$0].isConditional && target - $0 - 1 <= 255 }
    }

    private static func bypass(_ index: Int, in graph: inout [Node], _ origins: inout [[Int]]) {
        let target = graph[index + 2].whenTrue
        for from in origins[index] {
            if graph[from].whenTrue == index { graph[from].whenTrue = target }
            if graph[from].whenFalse == index { graph[from].whenFalse = target }
        }
        origins[target] += origins[index]
        origins[index] = []
    }

    /// The reachable instructions in their old order, so that every distance only shrinks.
    private static func relinked(_ graph: [Node]) -> [BPFInstruction] {
        var reachable = [Bool](repeating: false, count: graph.count)
        reachable[0] = true
        // Jumps go forward only: one pass finds all.
        for index in graph.indices where reachable[index] && !graph[index].isReturn {
            reachable[graph[index].whenTrue] = true
            reachable[graph[index].whenFalse] = true
        }
        var position = [Int](repeating: 0, count: graph.count)
        var count = 0
        for index in graph.indices where reachable[index] {
            position[index] = count
            count += 1
        }
        return graph.indices.filter { reachable[$0] }.map { index in
            var instruction = graph[index].instruction
            let next = position[index] + 1
            if graph[index].isConditional {
                instruction.whenTrue = UInt8(position[graph[index].whenTrue] - next)
                instruction.whenFalse = UInt8(position[graph[index].whenFalse] - next)
            } else if instruction.code == BPFCode.jump {
                instruction.operand = UInt32(position[graph[index].whenTrue] - next)
            }
            return instruction
        }
    }
}
