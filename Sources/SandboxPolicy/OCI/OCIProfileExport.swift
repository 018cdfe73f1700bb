package import StrictJSON

extension OCIProfile {
    /// The specification as a profile of the OCI runtime specification.
    ///
    /// That form has no listener without a path to one, so `notify` becomes EPERM; and one default for unknown numbers and
    /// refused arguments alike, so that becomes EPERM too (runtimes answer ENOSYS above the largest number they see). What else it cannot
    /// say is an error: above all the address of a single execve.
    package static func write(_ specification: FilterSpecification) throws(OCIProfileError) -> JSONValue {
        let fallback = FilterAction.errno(OCIWord.operationNotPermitted)
        var entries: [(conditions: [ArgumentCondition], action: FilterAction, names: [String])] = []
        func add(_ name: String, _ conditions: [ArgumentCondition], _ action: FilterAction) {
            if let known = entries.firstIndex(where: { $0.conditions == conditions && $0.action == action }) {
                entries[known].names.append(name)
            } else {
                entries.append((conditions, action, [name]))
            }
        }
        let byNumber = Dictionary(grouping: specification.rules, by: \.number)
        for number in byNumber.keys.sorted() {
            let rules = (byNumber[number] ?? []).map { rule in
                var copy = rule
                if copy.action == .notify { copy.action = fallback }
                return copy
            }
            guard let name = rules.first?.name else { continue }
            if rules.contains(where: { $0.conditions.contains { $0.value == ExecPointer.placeholder } }) {
                throw OCIProfileError(path: name, message: "a profile cannot name the address of one execve; grant process:spawn")
            }
            let otherwise = rules.first { $0.conditions.isEmpty }?.action ?? answer(specification.defaultAction, or: fallback)
            let deviating = rules.filter { !$0.conditions.isEmpty && $0.action != otherwise }
            if otherwise == fallback || deviating.isEmpty {
                for rule in deviating { add(name, rule.conditions, rule.action) }
                if otherwise != fallback { add(name, [], otherwise) }
            } else {
                for pattern in try complement(of: deviating, call: name, fallback: fallback) { add(name, [pattern], otherwise) }
            }
        }
        return .object([
            "defaultAction": .string("SCMP_ACT_ERRNO"), "defaultErrnoRet": .int(Int64(OCIWord.operationNotPermitted)),
            "architectures": .strings(["SCMP_ARCH_X86_64"]),
            "syscalls": .array(entries.map { entry($0.names, $0.conditions, $0.action) }),
        ])
    }

    private static func answer(_ action: FilterAction, or fallback: FilterAction) -> FilterAction {
        action == .notify ? fallback : action
    }

    /// Patterns that fit exactly what the refusals leave over. Needed where the rest is allowed: a profile can name only what
    /// deviates from its default.
    private static func complement(
        of refusals: [SyscallRule], call: String, fallback: FilterAction
    ) throws(OCIProfileError) -> [ArgumentCondition] {
        var cubes: [(mask: UInt64, value: UInt64)] = [(0, 0)]
        var argument: UInt32?
        for rule in refusals {
            guard rule.action == fallback, rule.conditions.count == 1, case .maskedEqual(let mask) = rule.conditions[0].comparison,
                argument == nil || argument == rule.conditions[0].argument
            else {
                throw OCIProfileError(path: call, message: "its refused arguments cannot be written as what remains allowed")
            }
            argument = rule.conditions[0].argument
            cubes = subtract(mask: mask, value: rule.conditions[0].value, from: cubes)
        }
        return cubes.map { ArgumentCondition(argument: argument ?? 0, comparison: .maskedEqual(mask: $0.mask), value: $0.value) }
    }

    /// Each cube without the pattern: one cube per bit in which it can differ. Cubes inside others are dropped.
    private static func subtract(
        mask: UInt64, value: UInt64, from cubes: [(mask: UInt64, value: UInt64)]
    ) -> [(mask: UInt64, value: UInt64)] {
        var result: [(mask: UInt64, value: UInt64)] = []
        for cube in cubes {
            // Already apart from the pattern.
            if (cube.value ^ value) & cube.mask & mask != 0 {
                result.append(cube)
                continue
            }
            var free = mask & ~cube.mask
            while free != 0 {
                let bit = free & (~free + 1)
                free ^= bit
                result.append((cube.mask | bit, cube.value | (~value & bit)))
            }
        }
        var kept: [(mask: UInt64, value: UInt64)] = []
        for (index, cube) in result.enumerated() {
            let isInside = result.enumerated().contains { other in
                let covers = other.element.mask & ~cube.mask == 0 && (other.element.value ^ cube.value) & other.element.mask == 0
                let isEqual = other.element.mask == cube.mask && other.element.value == cube.value
                return other.offset != index && covers && (!isEqual || other.offset < index)
            }
            if !isInside { kept.append(cube) }
        }
        return kept
    }

    private static func entry(_ names: [String], _ conditions: [ArgumentCondition], _ action: FilterAction) -> JSONValue {
        var members = [JSONMember("names", .strings(names))]
        switch action {
        case .errno(let number):
            members.append(JSONMember("action", .string("SCMP_ACT_ERRNO")))
            members.append(JSONMember("errnoRet", .int(Int64(number))))
        case .allow, .notify, .killProcess:
            let word = OCIWord.actions.first { $0.action == action }?.name ?? "SCMP_ACT_KILL_PROCESS"
            members.append(JSONMember("action", .string(word)))
        }
        if !conditions.isEmpty { members.append(JSONMember("args", .array(conditions.map(argument)))) }
        return .object(members)
    }

    private static func argument(_ condition: ArgumentCondition) -> JSONValue {
        if case .maskedEqual(let mask) = condition.comparison {
            return .object([
                "index": .int(Int64(condition.argument)), "value": .unsigned(mask), "valueTwo": .unsigned(condition.value),
                "op": .string(OCIWord.maskedEqual),
            ])
        }
        let word = OCIWord.comparisons.first { $0.comparison == condition.comparison }?.name ?? "SCMP_CMP_EQ"
        return .object([
            "index": .int(Int64(condition.argument)), "value": .unsigned(condition.value), "op": .string(word),
        ])
    }
}
