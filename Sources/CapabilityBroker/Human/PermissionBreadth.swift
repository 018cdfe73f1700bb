internal import CapabilityLanguage
package import LibOSModel
internal import SandboxPolicy

/// Permissions that a model may not even ask for, because a tired person might say yes. Operators can still grant them.
package enum PermissionBreadth {
    /// nil when the wish may be put before a person.
    package static func denial(of wish: PermissionRequest) -> Denial? {
        guard let reason = problem(wish.resource.asGranted, wish.rights) else { return nil }
        return Denial(
            layer: .human, rule: "no broad permissions", reason: "\(wish.resource) is too broad to ask for: \(reason)",
            suggestion: "ask for the one resource that the action needs")
    }

    private static func problem(_ resource: Resource, _ rights: Set<CapabilityRight>) -> String? {
        let isPattern = resource.extent != .exact
        if rights.contains(.approve) { return "who approves is not for processes to choose" }
        let privileged = rights.intersection([.grant, .revoke, .admin])
        if isPattern, resource.kind != .filesystem, resource.kind != .shell, let right = privileged.min() {
            return "`\(right.rawValue)` hands over the authority of others"
        }
        if let problem = PolicyRule.widthProblem(.allow, resource) { return problem.mend }
        guard resource.kind == .filesystem, let space = resource.parts.first?.text else { return nil }
        // Directories at the root hold what everything else on the host rests on.
        let isBroad = space == "host" ? resource.parts.count <= 2 : resource.parts.count == 1
        if isBroad, rights.contains(.write) { return "writing there reaches everything below" }
        if isBroad, rights.contains(.delete) { return "deleting there reaches everything below" }
        if space == "host", resource.parts.count == 1 { return "it is the whole host" }
        return nil
    }
}
