extension FilterSpecification {
    /// Whether every call of this name that the filter allows is allowed by the other too. Says no when that cannot be shown.
    ///
    /// Arguments that a rule of this filter names count by their low 32 bits: the kernel truncates them, so that what stands
    /// above changes nothing.
    package func allowsNoMore(than other: FilterSpecification, call name: String) -> Bool {
        let mine = rules.filter { $0.name == name }
        let theirs = other.rules.filter { $0.name == name }
        let otherwise = theirs.first { $0.conditions.isEmpty }?.action ?? other.defaultAction
        let allowing = theirs.filter { !$0.conditions.isEmpty && $0.action == .allow }
        let refusing = theirs.filter { !$0.conditions.isEmpty && $0.action != .allow }
        func covers(_ known: KnownArguments) -> Bool {
            guard refusing.allSatisfy({ $0.conditions.contains { known.contradict($0) } }) else { return false }
            return otherwise == .allow || allowing.contains { $0.conditions.allSatisfy { known.imply($0) } }
        }
        for rule in mine where !rule.conditions.isEmpty && rule.action == .allow {
            if let known = KnownArguments(rule.conditions, truncated: Set(rule.conditions.map(\.argument))), !covers(known) { return false }
        }
        guard (mine.first { $0.conditions.isEmpty }?.action ?? defaultAction) == .allow else { return true }
        // What remains is everything but the arguments that this filter refuses.
        let own = mine.filter { !$0.conditions.isEmpty && $0.action != .allow }
        return otherwise == .allow
            && refusing.allSatisfy { theirs in
                guard let known = KnownArguments(theirs.conditions) else { return true }
                return own.contains { $0.conditions.allSatisfy { known.imply($0) } }
            }
    }
}

/// What conditions tell of the arguments of a call: bits whose value is known.
private struct KnownArguments {
    private var mask = [UInt64](repeating: 0, count: 6)
    private var value = [UInt64](repeating: 0, count: 6)

    /// Nil when no call can fulfil them.
    init?(_ conditions: [ArgumentCondition], truncated: Set<UInt32> = []) {
        for argument in truncated where argument < 6 { mask[Int(argument)] = 0xFFFF_FFFF_0000_0000 }
        for condition in conditions {
            let index = Int(condition.argument)
            guard index < 6 else { return nil }
            let whole = truncated.contains(condition.argument) ? 0xFFFF_FFFF : UInt64.max
            let bits: UInt64
            switch condition.comparison {
            case .maskedEqual(let mask): bits = mask & whole
            case .equal: bits = whole
            default: continue
            }
            if (condition.value ^ value[index]) & bits & mask[index] != 0 { return nil }
            mask[index] |= bits
            value[index] |= condition.value & bits
        }
    }

    private func least(_ index: Int) -> UInt64 { value[index] }
    private func most(_ index: Int) -> UInt64 { value[index] | ~mask[index] }

    /// Every call that is known so fulfils the condition.
    func imply(_ condition: ArgumentCondition) -> Bool {
        let index = Int(condition.argument)
        guard index < 6 else { return false }
        let given = condition.value
        return switch condition.comparison {
        case .maskedEqual(let bits): bits & ~mask[index] == 0 && value[index] & bits == given
        case .equal: mask[index] == UInt64.max && value[index] == given
        case .notEqual: (value[index] ^ given) & mask[index] != 0
        case .less: most(index) < given
        case .lessOrEqual: most(index) <= given
        case .greater: least(index) > given
        case .greaterOrEqual: least(index) >= given
        }
    }

    /// No call that is known so fulfils the condition.
    func contradict(_ condition: ArgumentCondition) -> Bool {
        let index = Int(condition.argument)
        guard index < 6 else { return true }
        let given = condition.value
        return switch condition.comparison {
        case .maskedEqual(let bits): given & ~bits != 0 || (value[index] ^ given) & mask[index] & bits != 0
        case .equal: (value[index] ^ given) & mask[index] != 0
        case .notEqual: mask[index] == UInt64.max && value[index] == given
        case .less: least(index) >= given
        case .lessOrEqual: least(index) > given
        case .greater: most(index) <= given
        case .greaterOrEqual: most(index) < given
        }
    }
}
