internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// A confinement made concrete on this host: the mount list, the Landlock rules, and what the supervisor must know to act for
/// the tool. It depends on the file system as it is now, not on one call; equal confinements share a plan.
struct SandboxPlan: Sendable {
    /// The first `templateCount` are the same for every run; the launcher of a root supervisor builds them once.
    var mounts: [MountEntry]
    var templateCount: Int
    /// Names the plan within this process; never 0.
    var key: UInt64
    var pathRules: [PathRule]
    var landlock: LandlockAccess
    /// Grants as they are inside: real paths, each with its rights. Those along a path add up (see `rights(on:)`).
    var grants: [ResolvedGrant]
    /// With those that hold because of a link on the host.
    var denials: [PathDenial]
    /// Optional grants that the host does not have.
    var absent: [String]
    /// The workspace belongs to root and is open to everybody: its files are made as nobody's, not as root's.
    var workspaceNote: String?
    /// Creating calls must go to the supervisor.
    var mediated: Bool
    /// Of the template, as they were when it was planned; nil: each is looked at by itself.
    var templateSources: SandboxSources?

    struct ResolvedGrant: Sendable, Equatable {
        var path: String
        var rights: FileRights
        var subtree: Bool
        var rule: RuleReference?
    }

    /// Whether every source in the template is still the file that was resolved: a copy of an old template would show it for
    /// ever. The other sources are checked by the launcher at each launch.
    var isCurrent: Bool {
        // Whose the tool's files are was read off the source; the launcher compares no more than which file it is.
        for mount in mounts {
            guard case .bind(let source) = mount.kind, let owner = source.owner else { continue }
            guard let now = try? FileIdentity.of(path: source.path, followingLink: false), owner == .init(of: now) else { return false }
        }
        if let templateSources { return templateSources.areUnchanged }
        return mounts[..<templateCount].allSatisfy { mount in
            guard case .bind(let source) = mount.kind else { return true }
            guard let now = try? FileIdentity.of(path: source.path, followingLink: false) else { return false }
            return now.device == source.device && now.inode == source.inode
        }
    }

    /// Connecting to a unix socket by its path is no matter of the file system to Landlock before ABI 9: even through a read-only
    /// mount a tool could talk to a daemon of the person's. The supervisor then does the call, where `write` allows it.
    var mediatesLocalSockets: Bool { landlock.abi < 9 }

    /// The rights that the grants give on a path inside, before denials. Landlock adds up along the path; the sandbox's own
    /// temporary directories count only where nothing of the policy does.
    func rights(on path: String) -> FileRights {
        var granted: FileRights = []
        var own: FileRights = []
        var isGranted = false
        for grant in grants where path.isSamePath(as: grant.path) || (grant.subtree && path.isAtOrBelow(grant.path)) {
            if grant.rule == nil {
                own.formUnion(grant.rights)
            } else {
                granted.formUnion(grant.rights)
                isGranted = true
            }
        }
        return isGranted ? granted : own
    }
}
