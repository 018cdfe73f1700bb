internal import CapabilityLanguage
package import StrictJSON

/// A policy with everything that it inherits: what is decided, derived, hashed and shown. A value; nothing refers back to files
/// but the places that explanations name.
package struct ResolvedPolicy: Sendable, Equatable {
    package var name: String
    package var description: String?
    /// From the outermost ancestor to this policy.
    package var chain: [PolicyLink]
    package var isRootPreset: Bool
    /// Ancestors' rules first. Only among allow and ask of equal width does the order matter.
    package var rules: [PolicyRule]
    package var limits: Limits
    /// As the documents say; `environment` has what the rules add and take away.
    package var statedEnvironment: EnvironmentRules
    /// As the documents say; `syscalls` has what the rules add and take away.
    package var statedSyscalls: SyscallRules
    package var waived: Set<Protection>
    /// Where an answer to an `ask` counts; nil: by what is asked about.
    package var askChannel: AskChannel?
    /// Whose workers may serve more than one call; nil: none.
    package var sessions: SessionTerms?
    /// Of this policy's own document.
    package var examples: [PolicyExample]
    /// Where single settings were stated: `limits.wall`, `environment.pass.LANG`, `environment.set.HOME`, `syscalls.base`,
    /// `syscalls.deny.ptrace`, `waive`,
    /// `ask.channel`, `sessions.calls`. Absent for defaults.
    package var origins: [String: PolicyOrigin]
}

package struct PolicyLink: Sendable, Equatable {
    package var name: String
    package var file: String
    /// A policy that extends it may allow more.
    package var isRootPreset = false
}

package struct PolicyOrigin: Sendable, Equatable {
    package var file: String
    package var position: SourcePosition

    /// `file:line`, or `command line`.
    package var location: String { position.line > 0 ? "\(file):\(position.line)" : file }
}

extension ResolvedPolicy {
    /// Variables that a tool gets beside the standard ones: the stated ones and those of `environment:` rules, without what a deny
    /// or an ask takes away.
    package var environment: EnvironmentRules {
        let set = ruleSet(of: .environment)
        func isTaken(_ name: String) -> Bool {
            let rule = set.covering([ResourcePart(name)]).decidingRule(.read)
            return rule.map { $0.effect != .allow } ?? false
        }
        let allowed = set.rules.filter { $0.effect == .allow }.compactMap { $0.resource.parts.first?.text }
        let names = Set(statedEnvironment.pass + allowed).filter { !isTaken($0) }
        let denials = set.rules.filter { $0.effect == .deny }.map {
            EnvironmentRules.VariableDenial(name: $0.resource.parts.first?.text, rule: $0.reference)
        }
        return EnvironmentRules(
            pass: names.sorted(by: utf8Precedes), set: statedEnvironment.set.filter { !isTaken($0.key) },
            withheld: Set(EnvironmentRules.standard.keys.filter(isTaken)), denials: denials)
    }

    /// System calls beyond or below the base: the stated ones and those of `syscall:` rules.
    package var syscalls: SyscallRules {
        var allow = Set(statedSyscalls.allow)
        var deny = Set(statedSyscalls.deny)
        for rule in rules where rule.resource.kind == .syscall {
            guard let name = rule.resource.parts.first?.text else { continue }
            if rule.effect == .allow { allow.insert(name) } else { deny.insert(name) }
        }
        return SyscallRules(
            base: statedSyscalls.base, deny: deny.sorted(by: utf8Precedes), allow: allow.subtracting(deny).sorted(by: utf8Precedes))
    }

    /// Examples of this policy's document that do not decide as they promise. Each right of an example stands for itself.
    package func failedExamples() -> [PolicyError] {
        var failures: [PolicyError] = []
        for example in examples {
            for right in example.action.rights {
                let action = PolicyAction(resource: example.action.resource, rights: [right])
                let decision = decide(action)
                if decision.effect == example.effect { continue }
                failures.append(
                    PolicyError(
                        file: documentFile, at: example.position,
                        message: "the example `\(action)` should be \(example.effect.rawValue) and is \(decision.effect.rawValue)",
                        mend: decision.reason))
            }
        }
        return failures
    }

    /// File of this policy's own document.
    package var documentFile: String { chain.last { $0.file != Self.commandLine }?.file ?? name }
}
