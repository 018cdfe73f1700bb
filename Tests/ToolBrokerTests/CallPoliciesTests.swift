import CapabilityBroker
import CapabilityLanguage
import SandboxPolicy
import SandboxTestSupport
import Testing

@testable import ToolBroker

/// What was derived for earlier calls is used for those that it holds for, and for no other one.
struct CallPoliciesTests {
    private let policies = CallPolicies()
    private let grant: CapabilityGrant

    init() throws { grant = CapabilityGrant(resource: try Resource.parse("filesystem:workspace:src"), rights: [.read]) }

    private func policy(_ change: (inout ResolvedPolicy) -> Void = { _ in }) throws -> ResolvedPolicy {
        var policy = try TestPolicies.shipped("workspace")
        change(&policy)
        return policy
    }

    private func narrowing(_ change: (inout CallPolicies.Narrowing) -> Void = { _ in }) -> CallPolicies.Narrowing {
        var narrowing = CallPolicies.Narrowing(
            grants: [grant], limits: [.pids: 4], programs: [ResourcePart("/usr/bin/tool")], workspace: ResourcePart("/srv/project"))
        change(&narrowing)
        return narrowing
    }

    @Test("equal calls have one confinement, which is the one that is derived anew") func same() throws {
        let first = try policies.confined(try policy(), to: narrowing())
        let again = try policies.confined(try policy(), to: narrowing())
        #expect(first.policyHash == again.policyHash && first.confinement == again.confinement)
        let derived = try policy().narrowed(to: [grant], limits: [.pids: 4]).adding(
            PolicyOverrides(allow: ["filesystem:host:/usr/bin/tool=read,execute"]))
        #expect(first.policyHash == derived.hash)
        #expect(first.confinement == (try derived.confinement(workspace: "/srv/project", workspaceWritable: true)))
    }

    @Test("whatever differs makes another confinement") func different() throws {
        let first = try policies.confined(try policy(), to: narrowing())
        let others = try [
            policies.confined(try policy { $0.limits[.wall] = 1 }, to: narrowing()),
            policies.confined(
                try policy(), to: narrowing { $0.grants = [CapabilityGrant(resource: grant.resource, rights: [.read, .write])] }),
            policies.confined(try policy(), to: narrowing { $0.limits = [.pids: 5] }),
            policies.confined(try policy(), to: narrowing { $0.programs = [ResourcePart("/usr/bin/other")] }),
            policies.confined(try policy(), to: narrowing { $0.workspace = ResourcePart("/srv/other") }),
        ]
        for other in others { #expect(other.confinement != first.confinement) }
        // One text in two spellings, which are two names to the kernel.
        let composed = try policies.confined(try policy(), to: narrowing { $0.programs = [ResourcePart("/usr/bin/\u{E9}")] })
        let combined = try policies.confined(try policy(), to: narrowing { $0.programs = [ResourcePart("/usr/bin/e\u{301}")] })
        #expect(composed.policyHash != combined.policyHash)
        let values = try ["\u{E9}", "e\u{301}"].map { value in
            try policies.confined(try policy { $0.statedEnvironment.set["NAME"] = value }, to: narrowing())
        }
        #expect(values[0].policyHash != values[1].policyHash)
    }

    @Test("a policy that was exchanged under its name is another policy") func exchanged() throws {
        let first = policies.policy(try policy(), named: "workspace")
        #expect(policies.policy(try policy(), named: "workspace").hash == first.hash)
        let narrower = try policy { $0.rules.removeAll { $0.effect == .allow } }
        let second = policies.policy(narrower, named: "workspace")
        #expect(second.hash == narrower.hash && second.hash != first.hash)
        #expect(second.runtimeGrants.count < first.runtimeGrants.count)
    }
}
