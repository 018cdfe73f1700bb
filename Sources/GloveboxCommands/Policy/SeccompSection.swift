internal import SandboxPolicy
internal import StrictJSON

/// A seccomp profile as a difference from the base `default`.
struct SeccompSection: Equatable {
    var deny: [String] = []
    var allow: [String] = []
    /// Allowed by the profile for some arguments: Glovebox's own argument rules decide where the base has the call, and it
    /// stays refused where the base does not.
    var byArguments: [String] = []
    /// Allowed by the profile, and by no policy.
    var refused: [String] = []
    /// No calls of this machine.
    var foreign: [String]

    init(_ imported: OCIImport) throws(CommandFailure) {
        foreign = Array(Set(imported.ignoredNames)).sorted()
        let specification = imported.specification
        let base: Set<String>
        do throws(SyscallRuleError) {
            base = try SyscallCatalogue.allowedCalls(SyscallRules())
        } catch {
            throw .failed(error.description)
        }
        let rules = Dictionary(grouping: specification.rules, by: \.name)
        for name in base.union(rules.keys).sorted() {
            let own = rules[name] ?? []
            let otherwise = own.first { $0.conditions.isEmpty }?.action ?? specification.defaultAction
            let actions = own.map(\.action) + [otherwise]
            let isAllowed = actions.contains(.allow)
            let dependsOnArguments = isAllowed && actions.contains { $0 != .allow }
            if dependsOnArguments { byArguments.append(name) }
            switch (isAllowed, base.contains(name)) {
            // Beyond the base, half an allowance becomes none: what the rest of it would open is not known.
            case (true, false) where !dependsOnArguments:
                if (try? SyscallCatalogue.allowedCalls(SyscallRules(allow: [name]))) != nil {
                    allow.append(name)
                } else {
                    refused.append(name)
                }
            case (false, true): deny.append(name)
            default: break
            }
        }
    }

    var value: JSONValue {
        .object([
            "schema": .string("glovebox.policy.seccomp/1"),
            "syscalls": .object(["base": .string("default"), "deny": .strings(deny), "allow": .strings(allow)]),
            "by_arguments": .strings(byArguments), "refused": .strings(refused), "foreign": .strings(foreign),
        ])
    }

    func yaml(source: String) -> String {
        var lines = ["# From \(SafeText.line(source))."]
        func comment(_ title: String, _ names: [String]) {
            if !names.isEmpty { lines.append("# \(title): \(names.joined(separator: " "))") }
        }
        comment("Decided by Glovebox's own argument rules", byArguments)
        comment("Allowed by no policy, left out", refused)
        comment("No system calls of this machine", foreign)
        lines += [
            "syscalls:", "  base: default", "  deny: [\(deny.joined(separator: ", "))]", "  allow: [\(allow.joined(separator: ", "))]",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
