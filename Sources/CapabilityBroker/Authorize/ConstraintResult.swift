package import LibOSModel

/// What one constraint of a record said about an action.
package struct ConstraintResult: Sendable, Hashable {
    package var capability: CapabilityID
    /// `action_hash`, `tools`, `argument_prefixes`, or a key that nobody knows.
    package var key: String
    package var isMet: Bool
    /// Half a sentence, for people.
    package var detail: String
}

extension CapabilityRecord {
    /// Every constraint of the record, tried on the action. Unknown keys are never met.
    ///
    /// Texts are compared by their bytes: Swift's own comparison unites spellings that the kernel and the tools keep apart.
    func constraintResults(for action: ActionContext) -> [ConstraintResult] {
        guard !constraints.isEmpty else { return [] }
        var results: [ConstraintResult] = []
        func add(_ key: String, _ isMet: Bool, _ detail: String) {
            results.append(ConstraintResult(capability: id, key: key, isMet: isMet, detail: detail))
        }
        if let bound = constraints.actionHash {
            let isSame = action.actionHash.map { haveSameBytes($0, bound) } ?? false
            add("action_hash", isSame, isSame ? "this is the action that was approved" : "another action was approved")
        }
        if let tools = constraints.tools {
            let isNamed = action.tool.map { tool in tools.contains { haveSameBytes($0, tool) } } ?? false
            add("tools", isNamed, "only calls of \(tools.sorted().joined(separator: ", "))")
        }
        if let prefixes = constraints.argumentPrefixes {
            let starts = action.arguments.map { arguments in prefixes.contains { Self.startsWith($0, arguments) } } ?? false
            add("argument_prefixes", starts, "only command lines that start with " + Self.commandLines(prefixes))
        }
        for key in constraints.unknown.sorted() { add(key, false, "the constraint `\(key)` is not known to this version") }
        return results
    }

    private static func startsWith(_ prefix: [String], _ arguments: [String]) -> Bool {
        prefix.count <= arguments.count && zip(prefix, arguments).allSatisfy { haveSameBytes($0, $1) }
    }

    private static func commandLines(_ prefixes: [[String]]) -> String {
        prefixes.map { "`" + $0.joined(separator: " ") + "`" }.joined(separator: " or ")
    }
}

func haveSameBytes(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }
