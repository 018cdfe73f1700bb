package import SandboxPolicy

extension FilterProgram {
    /// The program and its place for the address, to be kept.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(execPointer != nil)
        if let execPointer {
            writer.append(count: execPointer.high)
            writer.append(count: execPointer.low)
        }
        writer.append(bytes)
        return writer.bytes
    }

    /// Whole instructions, not more than a program has, and a place for the address that is an operand.
    package init(encoded: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(encoded)
        let most = BPFEvaluator.maximumInstructions * BPFInstruction.size
        var place: ExecPointerPatch?
        if try reader.flag() {
            place = ExecPointerPatch(high: try reader.index(below: most), low: try reader.index(below: most))
        }
        let program = Array(try reader.block())
        let isOperand = { (at: Int) in at % BPFInstruction.size == 4 && at < program.count }
        guard reader.isAtEnd, !program.isEmpty, program.count <= most, program.count % BPFInstruction.size == 0,
            place.map({ $0.high != $0.low && isOperand($0.high) && isOperand($0.low) }) ?? true
        else { throw MalformedBytes() }
        self.init(bytes: program, execPointer: place)
    }
}
