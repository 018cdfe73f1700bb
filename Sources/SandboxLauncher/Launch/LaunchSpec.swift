internal import CLaunchABI
internal import LinuxPrimitives

/// One launch as values: what `LaunchSpecEncoder` turns into the bytes of `launch_spec.h`. The names follow that header.
struct LaunchSpec: Sendable, Equatable {
    var flags: Flags = []
    var arguments: [String] = []
    var environment: [String] = []
    var mounts: [MountEntry] = []
    var pathRules: [PathRule] = []
    var resourceLimits: [ResourceLimit] = []
    /// struct sock_filter records; empty when seccomp is waived.
    var filter: [UInt8] = []
    var workingDirectory = "/"
    var hostname = "glovebox"
    var searchPath = ""
    var innerID: UInt32 = 1000
    var outerUser: UInt32 = 0
    var outerGroup: UInt32 = 0
    var landlock = LandlockAccess()
    var rootBytes: UInt64 = 4 << 20
    var rootInodes: UInt32 = 1024
    var execPage: UInt64 = 0
    /// Where the page's address belongs in the filter, until it is there.
    var execPointer: FilterProgram.ExecPointerPatch?
    /// Leading mounts that every run of the plan shares, and the name under which the launcher keeps them; 0: it keeps none.
    var templateCount: UInt32 = 0
    var templateKey: UInt64 = 0

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt32
        static let loopback = Flags(rawValue: GB_SPEC_LOOPBACK.rawValue)
        static let terminal = Flags(rawValue: GB_SPEC_TERMINAL.rawValue)
        static let notify = Flags(rawValue: GB_SPEC_NOTIFY.rawValue)
        static let landlock = Flags(rawValue: GB_SPEC_LANDLOCK.rawValue)
        static let seccomp = Flags(rawValue: GB_SPEC_SECCOMP.rawValue)
        static let memfdNoExec = Flags(rawValue: GB_SPEC_MEMFD_NOEXEC.rawValue)
        static let mappedByLauncher = Flags(rawValue: GB_SPEC_MAPPED_BY_LAUNCHER.rawValue)
        static let timeNamespace = Flags(rawValue: GB_SPEC_NEW_TIME_NS.rawValue)
        static let cgroupNamespace = Flags(rawValue: GB_SPEC_NEW_CGROUP_NS.rawValue)
        static let start = Flags(rawValue: GB_SPEC_START.rawValue)
        static let sharedNetwork = Flags(rawValue: GB_SPEC_SHARED_NETWORK.rawValue)
        static let parkTool = Flags(rawValue: GB_SPEC_PARK_TOOL.rawValue)
    }
}

/// One entry of the mount list; carried out in order by the launcher's child.
struct MountEntry: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case directory(mode: UInt32)
        case file(text: String, mode: UInt32)
        case symlink(to: String)
        case bind(BindSource)
        case tmpfs(bytes: UInt64, inodes: UInt32, mode: UInt32)
        case proc
        case devpts
        case mask
        /// Takes writing, running or both from a part of an earlier bind, as `readOnly` and `noExec` say.
        case restrict
    }
    var kind: Kind
    var target: String
    var readOnly = false
    var noExec = false
    var device = false
}

struct BindSource: Sendable, Equatable, Hashable {
    var path: String
    var device: UInt64
    var inode: UInt64
    /// On-disk owner that the tool acts as, through an id-mapped mount; nil for a plain bind.
    var owner: Owner?

    struct Owner: Sendable, Equatable, Hashable {
        var user: UInt32
        var group: UInt32
        /// A directory of root's that is open to everybody: the tool acts as nobody there, and the others keep an id.
        var isShared = false

        init(user: UInt32, group: UInt32, isShared: Bool = false) {
            (self.user, self.group, self.isShared) = (user, group, isShared)
        }

        /// Whose files a tool works on below a writable source of root's supervisor.
        ///
        /// A directory of root's that everybody may write to needs no loan of root's identity: its new files belong to nobody (65534). Any
        /// other one of root's could not be used at all without it, so there the tool's files become root's.
        init(of source: FileIdentity) {
            if source.uid != 0 {
                self.init(user: source.uid, group: source.gid == 0 ? source.uid : source.gid)
            } else if source.isDirectory, source.mode & 0o002 != 0 {
                self.init(user: 65534, group: 65534, isShared: true)
            } else {
                self.init(user: 0, group: 0)
            }
        }
    }
}

struct PathRule: Sendable, Equatable {
    var path: String
    var access: UInt64
    var optional: Bool
}

struct ResourceLimit: Sendable, Equatable {
    var resource: UInt32
    var soft: UInt64
    var hard: UInt64
    /// The policy's limit that it carries out, for messages.
    var name: String
}

/// What the ruleset handles, for one ABI.
struct LandlockAccess: Sendable, Equatable {
    var abi: UInt32 = 0
    var handledFiles: UInt64 = 0
    var handledNetwork: UInt64 = 0
    var scoped: UInt64 = 0
}
