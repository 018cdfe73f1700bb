package import CapabilityLanguage
package import LibOSModel
internal import SandboxPolicy

/// A capability turned concrete for one action: what a confined process gets of a resource.
package struct CapabilityGrant: Sendable, Hashable {
    package var resource: Resource
    package var rights: Set<CapabilityRight>
    /// Rights for which a person said yes to this very action: an `ask` of the policy is answered for them.
    package var answered: Set<CapabilityRight>
    /// Left out of the grant.
    package var holes: [AuthorityHole]
    /// Records that the grant rests on; none for what a policy gives by itself.
    package var capabilities: [CapabilityID]

    package init(
        resource: Resource, rights: Set<CapabilityRight>, answered: Set<CapabilityRight> = [], holes: [AuthorityHole] = [],
        capabilities: [CapabilityID] = []
    ) {
        self.resource = resource
        self.rights = rights
        self.answered = answered
        self.holes = holes
        self.capabilities = capabilities
    }

    /// The grants of allowed rights, one for each resource.
    static func grants(of rights: [RightDecision]) -> [CapabilityGrant] {
        var result: [CapabilityGrant] = []
        for right in rights {
            let at = result.firstIndex { $0.resource == right.resource } ?? result.count
            if at == result.count { result.append(CapabilityGrant(resource: right.resource, rights: [])) }
            result[at].rights.insert(right.right)
            if right.answersPolicy { result[at].answered.insert(right.right) }
            for hole in right.holes where !result[at].holes.contains(hole) { result[at].holes.append(hole) }
            if let id = right.selected, !result[at].capabilities.contains(id) { result[at].capabilities.append(id) }
        }
        return result
    }
}
