package import SandboxPolicy
internal import Synchronization

/// Compiles filter specifications to BPF.
///
/// libseccomp compiles the argument rules. Which call gets which treatment is decided before, by a search tree over ranges of
/// numbers: most calls are simply allowed or refused and their numbers lie in runs, so a range costs one comparison where a
/// list costs one per call. Installing the result takes the kernel about half as long, and libseccomp need not sort four
/// hundred calls. It also settles two things that libseccomp 2.5.4 cannot say: numbers younger than the library, and one
/// answer for unknown numbers beside another for refused arguments.
package enum FilterCompiler {
    /// Compiled programs of this process by specification. A supervisor has few policies; the bound only stops a leak.
    private static let cache = Mutex<[(specification: FilterSpecification, program: FilterProgram)]>([])
    private static let cacheLimit = 32

    package static func compile(_ specification: FilterSpecification) throws(FilterCompileError) -> FilterProgram {
        if let known = cache.withLock({ $0.first { $0.specification == specification }?.program }) { return known }
        let program = try compileAnew(specification)
        cache.withLock { entries in
            if entries.count >= cacheLimit { entries.removeFirst() }
            entries.append((specification, program))
        }
        return program
    }

    static func compileAnew(_ specification: FilterSpecification) throws(FilterCompileError) -> FilterProgram {
        let treatments = try CallTreatment.byNumber(specification)
        // One libseccomp program for each answer to "none of the argument patterns fits".
        var sections: [(otherwise: FilterAction, calls: [ArgumentCall])] = []
        var ranges = RangeList(default: .answer(specification.defaultAction))
        for (number, treatment) in treatments {
            switch treatment {
            case .constant(let action):
                ranges.append(number, .answer(action))
            case .byArguments(let call, let otherwise):
                let known = sections.firstIndex { $0.otherwise == otherwise }
                let index = known ?? sections.count
                if known == nil { sections.append((otherwise, [])) }
                sections[index].calls.append(call)
                ranges.append(number, .section(index))
            }
        }
        var parts: [[BPFInstruction]] = []
        for section in sections {
            let part = try ArgumentProgram.compile(section.calls, otherwise: section.otherwise)
            try check(part)
            parts.append(ProgramTrimmer.trimmed(part))
        }
        let instructions = Dispatcher.link(ranges: ranges.ranges, parts: parts, unknown: specification.defaultAction)
        guard instructions.count <= BPFEvaluator.maximumInstructions else {
            throw .tooLong(instructions: instructions.count)
        }
        try check(instructions)
        let hasExecPointer = specification.rules.contains { $0.conditions.contains { $0.value == ExecPointer.placeholder } }
        return try FilterProgram(instructions: instructions, hasExecPointer: hasExecPointer)
    }

    /// Known operations, jumps and loads in bounds, a return at the end.
    private static func check(_ instructions: [BPFInstruction]) throws(FilterCompileError) {
        do {
            _ = try BPFEvaluator(instructions: instructions)
        } catch {
            throw .malformed(error)
        }
    }
}

/// One call whose arguments matter.
struct ArgumentCall {
    var number: Int32
    /// Only those whose action differs from what happens otherwise.
    var rules: [SyscallRule]
}

/// How the calls of one number are treated.
enum CallTreatment {
    case constant(FilterAction)
    case byArguments(ArgumentCall, otherwise: FilterAction)

    /// By ascending number.
    static func byNumber(
        _ specification: FilterSpecification
    ) throws(FilterCompileError) -> [(number: UInt32, treatment: CallTreatment)] {
        var result: [(number: UInt32, treatment: CallTreatment)] = []
        for rules in rulesOfEachNumber(specification) {
            guard let first = rules.first else { continue }
            let number = first.number
            guard let unsigned = UInt32(exactly: number), unsigned < SystemCall.x32Bit else {
                throw .invalidRule(call: first.name, reason: "\(number) is no number of x86-64")
            }
            // Most calls have one rule, without conditions.
            if rules.count == 1, first.conditions.isEmpty {
                result.append((unsigned, .constant(first.action)))
                continue
            }
            let plain = rules.filter(\.conditions.isEmpty)
            guard plain.allSatisfy({ $0.action == plain[0].action }) else {
                throw .invalidRule(call: first.name, reason: "two different answers without conditions")
            }
            if let bad = rules.flatMap(\.conditions).first(where: { $0.argument > 5 }) {
                throw .invalidRule(call: first.name, reason: "there is no argument \(bad.argument)")
            }
            let otherwise = plain.first?.action ?? specification.defaultAction
            let deviating = rules.filter { !$0.conditions.isEmpty && $0.action != otherwise }
            let treatment: CallTreatment =
                deviating.isEmpty
                ? .constant(otherwise) : .byArguments(ArgumentCall(number: number, rules: deviating), otherwise: otherwise)
            result.append((unsigned, treatment))
        }
        return result
    }

    /// The rules, those of one number together and in their order, by ascending number.
    private static func rulesOfEachNumber(_ specification: FilterSpecification) -> [ArraySlice<SyscallRule>] {
        let rules = specification.rules
        let order = rules.indices.sorted { (rules[$0].number, $0) < (rules[$1].number, $1) }
        let sorted = order.map { rules[$0] }
        var result: [ArraySlice<SyscallRule>] = []
        var start = 0
        for index in sorted.indices where index + 1 == sorted.count || sorted[index + 1].number != sorted[index].number {
            result.append(sorted[start...index])
            start = index + 1
        }
        return result
    }
}
