internal import CapabilityLanguage

/// What `syscalls:` allows: whole groups, and single calls beside them. Few policies name any, so a group answers for its calls.
struct AllowedCalls {
    private let allowed: WordSet
    private let denied: WordSet

    /// Groups by their index into `SyscallGroup.all`, and calls by name.
    private struct WordSet {
        var groups: Set<Int> = []
        var calls: Set<String> = []

        func contains(_ call: String, ofGroup group: Int) -> Bool { groups.contains(group) || calls.contains(call) }

        mutating func insert(_ word: String, ofGroup group: Int) {
            if AllowedCalls.isGroup(word) { groups.insert(group) } else { calls.insert(word) }
        }
    }

    init(_ rules: SyscallRules) throws(SyscallRuleError) {
        guard let base = SyscallBase(rawValue: rules.base) else {
            throw SyscallRuleError(
                word: rules.base, message: "`\(rules.base)` is no syscall base",
                mend: NearestWord.mend(for: rules.base, among: SyscallBase.allCases.map(\.rawValue)))
        }
        var allowed = WordSet(groups: Set(SyscallGroup.all.indices.filter { SyscallGroup.all[$0].isIn(base: base) }))
        var denied = WordSet()
        for word in rules.allow { allowed.insert(word, ofGroup: try Self.grantableGroup(of: word)) }
        for word in rules.deny { denied.insert(word, ofGroup: try Self.group(of: word)) }
        self.allowed = allowed
        self.denied = denied
    }

    /// Deny wins over allow.
    func contain(_ call: String, ofGroup group: Int) -> Bool {
        allowed.contains(call, ofGroup: group) && !denied.contains(call, ofGroup: group)
    }

    func contain(_ call: String) -> Bool { SyscallGroup.index(containing: call).map { contain(call, ofGroup: $0) } ?? false }

    private static func isGroup(_ word: String) -> Bool { word.utf8.first == UInt8(ascii: "@") }

    private static func grantableGroup(of word: String) throws(SyscallRuleError) -> Int {
        let index = try group(of: word)
        if case .never(let reason) = SyscallGroup.all[index].standing {
            throw SyscallRuleError(
                word: word, message: "`\(word)` can not be allowed: \(reason)", mend: "run a tool that needs it outside Glovebox")
        }
        return index
    }

    /// The group that a word names, or that the call is in.
    private static func group(of word: String) throws(SyscallRuleError) -> Int {
        if isGroup(word) {
            if let index = SyscallGroup.all.firstIndex(where: { $0.name == word }) { return index }
            throw SyscallRuleError(
                word: word, message: "`\(word)` is no syscall group",
                mend: NearestWord.mend(for: word, among: SyscallGroup.all.map(\.name)))
        }
        if let index = SyscallGroup.index(containing: word) { return index }
        let near = NearestWord.suggestion(for: word, among: SyscallTable.all.map(\.name))
        throw SyscallRuleError(
            word: word, message: "`\(word)` is no system call of x86-64",
            mend: near.map { "did you mean `\($0)`?" } ?? "name a system call or a group such as @debug")
    }
}
