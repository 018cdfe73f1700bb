internal import CapabilityBroker
internal import CapabilityLanguage
package import SandboxPolicy

extension ResolvedPolicy {
    /// This policy of a tool, as far as the session's goes along: nothing that the session's does not give as well, and everything that
    /// it denies. What a tool is written for never widens what its session may do.
    package func bounded(by session: ResolvedPolicy) -> ResolvedPolicy {
        var grants = session.rules.filter { $0.effect != .deny }.map { CapabilityGrant(resource: $0.resource, rights: Set($0.rights)) }
        grants += session.environment.pass.map { name in
            CapabilityGrant(resource: Resource(kind: .environment, parts: [name], extent: .exact), rights: [.read])
        }
        var limits: [LimitName: UInt64] = [:]
        for name in LimitName.allCases { limits[name] = session.limits[name] }
        var result = narrowed(to: grants, limits: limits)
        for rule in session.rules where rule.effect == .deny {
            let isThere = result.rules.contains {
                $0.effect == .deny && $0.resource == rule.resource && Set($0.rights).isSuperset(of: rule.rights)
            }
            if !isThere { result.rules.append(rule) }
        }
        let refused = Set(session.statedSyscalls.deny).subtracting(statedSyscalls.deny)
        result.statedSyscalls.deny += refused.sorted()
        result.statedSyscalls.allow.removeAll { refused.contains($0) }
        // A worker that stays for the next call is something that the session gives, too.
        result.sessions = sessions?.intersection(session.sessions)
        return result
    }
}
