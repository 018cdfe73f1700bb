/// Whether a sandbox that stands already is what a call would be given.
enum SandboxFit {
    /// What a start takes away from the sandbox. There is nothing that it could add.
    struct Narrowing: OptionSet, Sendable {
        let rawValue: UInt8
        static let limits = Narrowing(rawValue: 1)
        static let paths = Narrowing(rawValue: 2)
    }

    /// Nil when the call would have to be given anything that the sandbox does not have, or when the sandbox shows more than a start
    /// can take away: then the call gets a sandbox of its own.
    ///
    /// - Parameters:
    ///   - call, sandbox: the parts of the specs that are neither a call's nor one sandbox's own (`LaunchSpec.kind`).
    static func narrowing(for call: LaunchSpec, in sandbox: LaunchSpec) -> Narrowing? {
        if call == sandbox { return [] }
        var (rest, whole) = (call, sandbox)
        (rest.resourceLimits, whole.resourceLimits) = ([], [])
        (rest.pathRules, whole.pathRules) = ([], [])
        rest.templateKey = whole.templateKey // a name for what the mounts say
        guard rest == whole else { return nil }
        var narrowing: Narrowing = []
        if call.resourceLimits != sandbox.resourceLimits {
            guard areLower(call.resourceLimits, than: sandbox.resourceLimits) else { return nil }
            narrowing.insert(.limits)
        }
        if call.pathRules != sandbox.pathRules {
            guard call.flags.contains(.landlock), call.pathRules.allSatisfy({ isGiven($0, by: sandbox.pathRules) }) else { return nil }
            narrowing.insert(.paths)
        }
        return narrowing
    }

    private static func areLower(_ limits: [ResourceLimit], than others: [ResourceLimit]) -> Bool {
        limits.count == others.count
            && zip(limits, others).allSatisfy { $0.resource == $1.resource && $0.soft <= $1.soft && $0.hard <= $1.hard }
    }

    /// Rulesets on top of each other give what all of them give, so each right must be there below.
    private static func isGiven(_ rule: PathRule, by rules: [PathRule]) -> Bool {
        let given = rules.reduce(UInt64(0)) { rule.path.isAtOrBelow($1.path) ? $0 | $1.access : $0 }
        return rule.access & ~given == 0
    }
}
