internal import LinuxPrimitives

extension SandboxPool {
    struct ParkedPart: Sendable {
        let program: ParkableProgram
        let mediation: ParkedProgram.Mediation
    }

    /// What is kept ready, and how it is built.
    struct Blueprint: Sendable {
        /// `LaunchSpec.kind`
        var kind: LaunchSpec
        var covers: [MountEntry]
        /// Of the cgroup.
        var memoryBytes: UInt64
        var pids: UInt64
        /// The limits of a cgroup were left out of `kind`; without one it is another kind.
        var countsMemory: Bool
        /// What waits in it: nil is a sandbox for any program.
        var parks: ParkedPart?
        /// What people call it: the policy's name.
        var name = ""

        /// What a start would take away from a sandbox of another blueprint; nil when it would not do.
        func narrowing(in other: Blueprint) -> SandboxFit.Narrowing? {
            guard memoryBytes == other.memoryBytes, pids == other.pids, countsMemory == other.countsMemory else { return nil }
            guard parks?.program == other.parks?.program else { return nil }
            // Who runs already has its limits and rules, and nobody could take more away from outside.
            if parks != nil { return kind == other.kind ? [] : nil }
            return SandboxFit.narrowing(for: kind, in: other.kind)
        }
    }
}

extension SandboxLeases {
    /// What a sandbox of this blueprint needs of its own, as the blueprint counts on it.
    convenience init(for blueprint: SandboxPool.Blueprint, from cgroups: ControlGroupPool?) throws(LaunchError) {
        var group: ControlGroupLease?
        if blueprint.countsMemory {
            guard let cgroups else {
                throw LaunchError(.exhausted, "there are no cgroups any more", mend: "start the supervisor again")
            }
            do {
                group = try cgroups.lease(memoryBytes: blueprint.memoryBytes, pids: blueprint.pids)
            } catch {
                throw LaunchError(.exhausted, "no cgroup for a sandbox: \(error)", mend: "run `glovebox doctor`")
            }
        }
        var own: HostIdentityLease?
        if KernelFacts.isRoot {
            do {
                own = try HostIdentityLease()
            } catch {
                throw LaunchError(.exhausted, "no host identity is free for a sandbox: \(error)", mend: "wait for other runs to end")
            }
        }
        self.init(identity: own, cgroup: group)
    }
}
