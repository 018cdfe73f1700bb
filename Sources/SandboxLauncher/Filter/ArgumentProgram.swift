internal import CLinuxShims
internal import CSeccomp
internal import Glibc
internal import SandboxPolicy

/// The part of a filter that looks at arguments, compiled by libseccomp.
enum ArgumentProgram {
    /// A complete program for these calls; a call whose arguments fit no rule gets `otherwise`, as do all other calls (the
    /// dispatcher sends none here).
    static func compile(_ calls: [ArgumentCall], otherwise: FilterAction) throws(FilterCompileError) -> [BPFInstruction] {
        _ = libraryReady
        guard let context = seccomp_init(otherwise.kernelValue) else {
            throw .library(step: "a new filter", call: nil, code: -ENOMEM)
        }
        defer { seccomp_release(context) }
        try check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, FilterAction.killProcess.kernelValue), "the architecture rule")
        for call in calls {
            for rule in call.rules { try add(rule, to: context) }
        }
        return try export(context)
    }

    /// libseccomp asks the running kernel which actions exist, and says no to NOTIFY inside some sandboxes. Filters are compiled
    /// here and installed elsewhere, so level 6 (every action we use) is set for the process, once.
    private static let libraryReady: Bool = seccomp_api_set(6) == 0

    private static func add(_ rule: SyscallRule, to context: scmp_filter_ctx) throws(FilterCompileError) {
        let comparisons = rule.conditions.map { condition in
            let (operation, a, b) = comparison(condition)
            return scmp_arg_cmp(arg: condition.argument, op: operation, datum_a: a, datum_b: b)
        }
        let code = comparisons.withUnsafeBufferPointer {
            seccomp_rule_add_array(context, rule.action.kernelValue, rule.number, UInt32($0.count), $0.baseAddress)
        }
        // An equal rule twice says nothing new.
        if code == -EEXIST { return }
        try check(code, "a rule", call: rule.name)
    }

    private static func comparison(_ condition: ArgumentCondition) -> (scmp_compare, UInt64, UInt64) {
        switch condition.comparison {
        case .maskedEqual(let mask): (SCMP_CMP_MASKED_EQ, mask, condition.value)
        case .equal: (SCMP_CMP_EQ, condition.value, 0)
        case .notEqual: (SCMP_CMP_NE, condition.value, 0)
        case .less: (SCMP_CMP_LT, condition.value, 0)
        case .lessOrEqual: (SCMP_CMP_LE, condition.value, 0)
        case .greater: (SCMP_CMP_GT, condition.value, 0)
        case .greaterOrEqual: (SCMP_CMP_GE, condition.value, 0)
        }
    }

    /// libseccomp 2.5.4 writes programs to descriptors only.
    private static func export(_ context: scmp_filter_ctx) throws(FilterCompileError) -> [BPFInstruction] {
        let file = gbx_memfd("glovebox-filter", 0)
        guard file >= 0 else { throw .library(step: "a memory file", call: nil, code: file) }
        defer { close(file) }
        try check(seccomp_export_bpf(context, file), "the export")
        let size = lseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: max(0, Int(size)))
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count, let instructions = BPFInstruction.decode(bytes), !instructions.isEmpty else {
            throw .library(step: "the export", call: nil, code: -EIO)
        }
        return instructions
    }

    private static func check(_ code: Int32, _ step: String, call: String? = nil) throws(FilterCompileError) {
        guard code == 0 else { throw .library(step: step, call: call, code: code) }
    }
}
