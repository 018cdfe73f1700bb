internal import CommandOutput
internal import SandboxPolicy
internal import StrictJSON

/// A seccomp profile as a difference from the base `default`.
struct SeccompSection: Equatable {
    var deny: [String] = []
    var allow: [String] = []
    /// Allowed by the profile for some arguments, and by Glovebox's own argument rules for no others.
    var byArguments: [String] = []
    /// Allowed by the profile for some arguments, and by Glovebox's rules for more: `syscalls:` knows no arguments, so they are
    /// denied. Those that the base does not have stay refused as they are.
    var denied: [String] = []
    /// Allowed by the profile, and by no policy.
    var refused: [String] = []
    /// No calls of this machine.
    var foreign: [String]

    init(_ imported: OCIImport) throws(CommandFailure) {
        foreign = Array(Set(imported.ignoredNames)).sorted()
        let specification = imported.specification
        let base: Set<String>
        let glovebox: FilterSpecification
        do throws(SyscallRuleError) {
            base = try SyscallCatalogue.allowedCalls(SyscallRules())
            glovebox = try Self.widest()
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
            switch (isAllowed, base.contains(name)) {
            case (true, true) where dependsOnArguments:
                if glovebox.allowsNoMore(than: specification, call: name) {
                    byArguments.append(name)
                } else {
                    denied.append(name)
                    deny.append(name)
                }
            // Beyond the base, half an allowance becomes none: what the rest of it would open is not known.
            case (true, false) where dependsOnArguments: denied.append(name)
            case (true, false):
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

    /// What the base allows at most, whatever a policy grants beside it.
    private static func widest() throws(SyscallRuleError) -> FilterSpecification {
        let rule = RuleReference(policy: "", file: "", line: 0, text: "")
        return try SyscallCatalogue.specification(
            for: SyscallRules(), maySpawn: true,
            network: NetworkConfinement(loopback: rule, connect: [NetworkEndpoint(host: "", port: nil, rule: rule)]),
            demands: FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: true))
    }

    var value: JSONValue {
        .object([
            "schema": .string("glovebox.policy.seccomp/1"),
            "syscalls": .object(["base": .string("default"), "deny": .strings(deny), "allow": .strings(allow)]),
            "by_arguments": .strings(byArguments), "denied_by_arguments": .strings(denied), "refused": .strings(refused),
            "foreign": .strings(foreign),
        ])
    }

    func yaml(source: String) -> String {
        var lines = ["# From \(SafeText.line(source))."]
        func comment(_ title: String, _ names: [String]) {
            if !names.isEmpty { lines.append("# \(title): \(names.joined(separator: " "))") }
        }
        comment("Allowed for some arguments; Glovebox's own argument rules are as narrow", byArguments)
        comment("Allowed for some arguments only, which no policy can say, so denied", denied)
        comment("Allowed by no policy, left out", refused)
        comment("No system calls of this machine", foreign)
        lines += [
            "syscalls:", "  base: default", "  deny: [\(deny.joined(separator: ", "))]", "  allow: [\(allow.joined(separator: ", "))]",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
