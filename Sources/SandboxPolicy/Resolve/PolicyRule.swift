package import CapabilityLanguage

/// One line of `capabilities:`.
package struct PolicyRule: Sendable, Equatable {
    package var effect: Effect
    package var resource: Resource
    /// Sorted, without repetitions, never empty.
    package var rights: [CapabilityRight]
    /// For `filesystem` and `device`: an absent path is skipped instead of stopping the launch.
    package var optional: Bool
    package var reference: RuleReference
    /// Column of the rule in its file; 0 on the command line.
    package var column: Int

    package init(
        effect: Effect, resource: Resource, rights: [CapabilityRight], optional: Bool = false, reference: RuleReference, column: Int = 0
    ) {
        self.column = column
        self.effect = effect
        self.resource = resource
        self.rights = rights
        self.optional = optional
        self.reference = reference
    }

    /// The rule on one line: `deny filesystem:workspace:.env read,write`.
    package static func text(_ effect: Effect, _ resource: Resource, _ rights: [CapabilityRight]) -> String {
        effect.rawValue + " " + resource.description + " " + rights.map(\.rawValue).joined(separator: ",")
    }

    /// The rule as a person would write it into a policy.
    package static func policyLine(_ effect: Effect, _ resource: Resource, _ rights: [CapabilityRight]) -> String {
        "{\(effect.rawValue): \"\(resource)\", rights: [\(rights.map(\.rawValue).joined(separator: ", "))]}"
    }

    /// Checks rights by name. Without any, a resource with a single right means that one, and a deny means all of them.
    package static func rights(
        named names: [String]?, effect: Effect, resource: Resource
    ) throws(ResourceProblem) -> [CapabilityRight] {
        let accepted = resource.acceptedRights
        guard let names else {
            if accepted.count == 1 || effect == .deny { return CapabilityRight.inOrder(accepted) }
            throw ResourceProblem(
                "`\(resource)` needs `rights`", mend: "choose among: " + accepted.map(\.rawValue).joined(separator: ", "))
        }
        var result: [CapabilityRight] = []
        for name in names {
            guard let right = CapabilityRight(rawValue: name) else {
                throw ResourceProblem("`\(name)` is not a right", mend: NearestWord.mend(for: name, among: accepted.map(\.rawValue)))
            }
            guard accepted.contains(right) else {
                throw ResourceProblem(
                    "`\(resource)` has no right `\(name)`", mend: "it has: " + accepted.map(\.rawValue).joined(separator: ", "))
            }
            result.append(right)
        }
        if result.isEmpty { throw ResourceProblem("`rights` is empty", mend: "name at least one, or remove the rule") }
        return CapabilityRight.inOrder(result)
    }

    /// What no enforcement could give: these fail here and not at the launch.
    package static func widthProblem(_ effect: Effect, _ resource: Resource) -> ResourceProblem? {
        if effect == .deny {
            guard resource.kind == .syscall, resource.parts.isEmpty else { return nil }
            return ResourceProblem(
                "`\(resource)` denied, no program could start", mend: "deny groups by name, or choose `syscalls: {base: compute}`")
        }
        // The same as `environment: pass`, so the same names are refused.
        if resource.kind == .environment, let name = resource.parts.first?.text, let reason = DangerousVariable.reason(name) {
            return ResourceProblem("`\(name)` is never passed: \(reason)", mend: "give it a fixed value with `environment: set`")
        }
        guard resource.extent != .exact else { return nil }
        switch (resource.kind, resource.parts.count) {
        case (.environment, _), (.secret, _), (.syscall, _), (.shell, 0):
            return ResourceProblem("`\(resource)` is too wide to \(effect.rawValue)", mend: "name each one; only a deny may take them all")
        case (.device, _):
            return ResourceProblem("`\(resource)` is too wide to \(effect.rawValue)", mend: "name each device node")
        case (.network, 0), (.network, 1):
            return ResourceProblem("`\(resource)` is too wide to \(effect.rawValue)", mend: "name hosts and ports")
        default: return nil
        }
    }
}

/// One action: a single resource and what is done with it. Written `filesystem:workspace:src/a read`.
package struct PolicyAction: Sendable, Hashable, CustomStringConvertible {
    package var resource: Resource
    package var rights: [CapabilityRight]

    package init(resource: Resource, rights: [CapabilityRight]) {
        self.resource = resource
        self.rights = rights
    }

    /// Reads `RESOURCE RIGHT[,RIGHT…]`; the last space parts the two, and a resource with one right needs none.
    package static func parse(_ text: String) throws(ResourceProblem) -> PolicyAction {
        if let space = text.utf8.lastIndex(of: UInt8(ascii: " ")) {
            let resource = try Resource.parseAction(String(text[..<space]))
            let names = text.utf8[space...].dropFirst().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            return PolicyAction(resource: resource, rights: try PolicyRule.rights(named: names, effect: .allow, resource: resource))
        }
        let resource = try Resource.parseAction(text)
        return PolicyAction(resource: resource, rights: try PolicyRule.rights(named: nil, effect: .allow, resource: resource))
    }

    package var description: String { "\(resource) \(rights.map(\.rawValue).joined(separator: ","))" }
}
