package import CapabilityLanguage

/// What a resolved policy asks of the kernel for one workspace: the contract between the policy language and the launcher.
///
/// Pure data. `ResolvedPolicy.confinement(workspace:)` derives it, `glovebox policy explain` prints it, SandboxLauncher turns
/// it into mounts, a Landlock ruleset, a filter and limits. Nothing here has touched the file system: paths are absolute and
/// lexically clean, but may not exist and may pass through links.
package struct Confinement: Sendable, Equatable {
    /// Absolute path of the workspace, the same outside and inside; nil when the policy grants none.
    package var workspace: String?
    /// Paths that are visible inside, parents before children.
    package var grants: [PathGrant]
    /// Names inside the grants that stay unreachable, existing or not.
    package var denials: [PathDenial]
    /// Denied paths that lie in no grant as it is written. A link on the host may lead a grant there, and then they hold.
    package var standingDenials: [PathDenial]
    /// Programs that are not run, whatever PATH is and wherever in the grants they lie.
    package var deniedPrograms: [ProgramDenial]
    /// Device nodes beyond the minimal set (`/dev/null`, zero, full, random, urandom).
    package var devices: [DeviceGrant]
    package var network: NetworkConfinement
    /// Whether the tool may create processes. False: `fork`, `vfork` and process `clone` are refused, threads are not, and
    /// only the launcher's own `execve` happens.
    package var maySpawn: Bool
    /// Rule that denies `process:spawn`: no allow would help.
    package var spawnDenial: RuleReference?
    /// Rule that lets the tool read `/proc/<pid>` of the sandbox's own processes (`process:*` read). Without it, files there are
    /// refused: `/proc/self/mountinfo` names paths of the host. Listing, and facts about the machine, stay readable.
    package var readsProcesses: RuleReference?
    package var syscalls: SyscallRules
    package var limits: Limits
    package var environment: EnvironmentRules
    /// Protections that may be missing on this host without stopping the launch.
    package var waived: Set<Protection>

    package init(
        workspace: String?, grants: [PathGrant], denials: [PathDenial], standingDenials: [PathDenial] = [],
        deniedPrograms: [ProgramDenial] = [], devices: [DeviceGrant], network: NetworkConfinement, maySpawn: Bool,
        spawnDenial: RuleReference? = nil, readsProcesses: RuleReference? = nil, syscalls: SyscallRules, limits: Limits,
        environment: EnvironmentRules, waived: Set<Protection>
    ) {
        self.workspace = workspace
        self.grants = grants
        self.denials = denials
        self.standingDenials = standingDenials
        self.deniedPrograms = deniedPrograms
        self.devices = devices
        self.network = network
        self.maySpawn = maySpawn
        self.spawnDenial = spawnDenial
        self.readsProcesses = readsProcesses
        self.syscalls = syscalls
        self.limits = limits
        self.environment = environment
        self.waived = waived
    }
}

/// Rights on files, as a grant gives them to the kernel.
package struct FileRights: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The standard library's own asks at run time what a set of rights is, each program anew.
    package init(arrayLiteral elements: FileRights...) {
        var bits: UInt8 = 0
        for element in elements { bits |= element.rawValue }
        rawValue = bits
    }
    /// Open for reading, list directories.
    package static let read = FileRights(rawValue: 1)
    /// Open for writing, truncate, create files, directories, links; rename within the grant.
    package static let write = FileRights(rawValue: 2)
    /// Unlink, rmdir, and the source side of a rename.
    package static let delete = FileRights(rawValue: 4)
    package static let execute = FileRights(rawValue: 8)
    package static let all: FileRights = [.read, .write, .delete, .execute]

    /// Right names in their fixed order, as policies write them.
    package var names: [String] {
        [(FileRights.read, "read"), (.write, "write"), (.delete, "delete"), (.execute, "execute")].compactMap {
            contains($0.0) ? $0.1 : nil
        }
    }
}

extension FileRights {
    /// The file rights among capability rights; the others have no meaning for files.
    package init(_ rights: some Sequence<CapabilityRight>) {
        self = []
        for right in rights { formUnion(FileRights(right)) }
    }

    package init(_ right: CapabilityRight) {
        switch right {
        case .read: self = .read
        case .write: self = .write
        case .delete: self = .delete
        case .execute: self = .execute
        default: self = []
        }
    }
}

package struct PathGrant: Sendable, Equatable {
    package var path: String
    package var rights: FileRights
    /// The path and everything below it, or the one file alone.
    package var subtree: Bool
    /// Part of the workspace: its owner's files keep their owner.
    package var isWorkspace: Bool
    /// An absent path is skipped (and named in the receipt) instead of stopping the launch.
    package var optional: Bool
    package var rule: RuleReference

    package init(path: String, rights: FileRights, subtree: Bool, isWorkspace: Bool, optional: Bool, rule: RuleReference) {
        self.path = path
        self.rights = rights
        self.subtree = subtree
        self.isWorkspace = isWorkspace
        self.optional = optional
        self.rule = rule
    }
}

package struct PathDenial: Sendable, Hashable {
    package var path: String
    /// Also everything below the path. A denial always covers the path itself.
    package var subtree: Bool
    /// The refused rights. Without `.read` the name stays readable and becomes read-only.
    package var rights: FileRights
    package var rule: RuleReference

    package init(path: String, subtree: Bool, rights: FileRights, rule: RuleReference) {
        self.path = path
        self.subtree = subtree
        self.rights = rights
        self.rule = rule
    }
}

/// A program that a `shell` rule refuses. The kernel compares files, so the launcher looks for it in every tree that may be executed.
package struct ProgramDenial: Sendable, Equatable {
    /// Its bare name.
    package var name: String
    /// The one file, when the rule names it by an absolute path; nil: every file of that name.
    package var path: String?
    /// Paths of that name that a narrower rule allows.
    package var except: [String]
    package var rule: RuleReference

    package init(name: String, path: String? = nil, except: [String] = [], rule: RuleReference) {
        self.name = name
        self.path = path
        self.except = except
        self.rule = rule
    }
}

package struct DeviceGrant: Sendable, Equatable {
    /// `/dev/…`; `/dev/ptmx` means a private devpts.
    package var path: String
    package var rights: FileRights
    package var rule: RuleReference

    package init(path: String, rights: FileRights, rule: RuleReference) {
        self.path = path
        self.rights = rights
        self.rule = rule
    }
}

/// Names the policy line behind a grant or a denial.
package struct RuleReference: Sendable, Hashable {
    /// Policy name, for example `workspace`, or `command line`.
    package var policy: String
    /// File as the user named it, and its line; line 0 when the rule came from the command line.
    package var file: String
    package var line: Int
    /// The rule as one line of policy, for example `deny filesystem:workspace:.env read,write`.
    package var text: String
    package var because: String?

    package init(policy: String, file: String, line: Int, text: String, because: String? = nil) {
        self.policy = policy
        self.file = file
        self.line = line
        self.text = text
        self.because = because
    }

    /// `file:line`, or `command line`.
    package var location: String { line > 0 ? "\(file):\(line)" : file }
}
