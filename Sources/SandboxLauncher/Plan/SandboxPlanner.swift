internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import Synchronization

/// Builds a plan: resolves every granted path on the host, lays out the root, and maps rights to mount flags and rules.
struct SandboxPlanner {
    let confinement: Confinement
    let innerID: UInt32
    let isRoot: Bool
    let landlockABI: Int32
    let terminal: Bool
    let workspaceIdentity: RunRequest.WorkspaceIdentity?
    /// Further lines of /etc/hosts, each ending in a newline.
    let hosts: String

    /// What stands in the root already.
    private var directories = PathSet()
    private var creations: [MountEntry] = []
    private var binds: [MountEntry] = []
    private var rules: [PathRule] = []
    private var grants: [SandboxPlan.ResolvedGrant] = []
    private var bound: [(path: String, readOnly: Bool, noExec: Bool)] = []
    private var absent: [String] = []
    private var note: String?

    init(
        confinement: Confinement, innerID: UInt32, isRoot: Bool, landlockABI: Int32, terminal: Bool, hosts: String = "",
        workspaceIdentity: RunRequest.WorkspaceIdentity? = nil
    ) {
        self.confinement = confinement
        self.innerID = innerID
        self.isRoot = isRoot
        self.landlockABI = landlockABI
        self.terminal = terminal
        self.hosts = hosts
        self.workspaceIdentity = workspaceIdentity
        directories.insert("/")
    }

    mutating func plan() throws(LaunchError) -> SandboxPlan {
        let limits = confinement.limits
        let executableTemporary = confinement.runsFromTemporary
        let access = LandlockPlan.access(hostABI: landlockABI, network: confinement.network)
        addSkeleton(limits: limits, executableTemporary: executableTemporary)
        var found: [(host: HostPath, grant: PathGrant)] = []
        for grant in confinement.grants {
            if let host = try resolve(grant) { found.append((host, grant)) }
        }
        let standing = NameDenials.standing(confinement.standingDenials, within: found.map { ($0.host.real, $0.grant.rights) })
        let writable = confinement.writesAnything
        // Also for a policy without writable grants: names in /tmp count towards its limit on created files. Without notifications
        // only what must be kept is kept, since nothing could be made at all.
        let mediated = writable || !confinement.denials.isEmpty || !standing.isEmpty || KernelFacts.seccomp.userNotification

        // By real path, parents first: what a link leads to (/bin is often one) lies inside a grant that is bound already.
        for (host, grant) in found.sorted(by: { $0.host.real.precedesAsPath($1.host.real) }) { add(host, grant, mediated: mediated) }
        try addDevices()

        // What belongs to one run: the private file systems, what is made inside them, and binds with the run's own ids.
        let isOwn = { (entry: MountEntry) -> Bool in
            switch entry.kind {
            case .tmpfs, .devpts: true
            case .bind(let source): source.owner != nil || Self.isPrivate(entry.target)
            default: Self.isPrivate(entry.target)
            }
        }
        var mounts = creations.filter { !isOwn($0) } + binds.filter { !isOwn($0) }
        // Binds come after everything that is created, so the sealed file and directory can be frozen among them.
        mounts.append(MountEntry(kind: .restrict, target: "/.sealed", readOnly: true))
        let templateCount = mounts.count
        mounts += creations.filter(isOwn)
        mounts.append(MountEntry(kind: .proc, target: "/proc"))
        mounts += binds.filter(isOwn)
        // Where Landlock gives only single files of /proc to read, the others need no cover (each costs a mount). Where it gives
        // all of /proc, or is not there, a cover is what hides them.
        // Directories would stay listable all the same, since listing is given from the root on.
        mounts += RootSkeleton.maskedProcDirectories.map { MountEntry(kind: .mask, target: "/proc/" + $0) }
        if confinement.readsProcesses != nil || access.abi == 0 {
            mounts += RootSkeleton.maskedProc.map { MountEntry(kind: .mask, target: "/proc/" + $0) }
        }
        mounts.append(MountEntry(kind: .restrict, target: "/proc/sys", readOnly: true))

        let procFiles = confinement.readsProcesses != nil ? ["/proc"] : RootSkeleton.readableProc.map { "/proc/" + $0 }
        rules += procFiles.map { PathRule(path: $0, access: LandlockPlan.readOnlyBits, optional: true) }
        rules.append(PathRule(path: "/etc", access: LandlockPlan.readOnlyBits, optional: false))
        rules.append(PathRule(path: "/dev", access: LandlockPlan.readDirectory, optional: false))
        let temporaryRights = try temporaryRights()
        // Rights add up along a path: what /tmp gives, a workspace below it has as well. Sockets are bound by the tool itself where
        // the supervisor does not do it.
        let bindsItself = mediated && access.abi >= 9 && !confinement.network.isBrokered
        let temporaryBits = LandlockPlan.bits(for: temporaryRights, mediated: mediated) | (bindsItself ? LandlockPlan.makeSocket : 0)
        for place in ["/tmp", "/dev/shm"] {
            let executable = executableTemporary && place == "/tmp"
            rules.append(
                PathRule(
                    path: place, access: temporaryBits | (executable ? LandlockPlan.execute : 0), optional: false))
            grants.append(
                .init(path: place, rights: executable ? temporaryRights.union(.execute) : temporaryRights, subtree: true, rule: nil))
        }
        if confinement.grants.allSatisfy({ $0.rights.contains(.read) }) {
            rules.append(PathRule(path: "/", access: LandlockPlan.readDirectory, optional: false))
        }
        for index in rules.indices { rules[index].access &= access.handledFiles }
        rules.removeAll { $0.access == 0 }
        rules = withoutRepeats(rules)
        return SandboxPlan(
            mounts: mounts, templateCount: templateCount, key: Self.nextKey(), pathRules: rules, landlock: access, grants: grants,
            denials: confinement.denials + standing, absent: absent,
            workspaceNote: note, mediated: mediated,
            templateSources: SandboxSources(mounts: mounts[..<templateCount], pathRules: [], covers: []))
    }

    /// Rules add up along a path, so one that gives nothing beyond a rule above it only costs time when the sandbox is built. That of the
    /// workspace stays all the same (one in /tmp): Landlock looks at each directory from a file up to its rule, at every open.
    private func withoutRepeats(_ rules: [PathRule]) -> [PathRule] {
        var kept: [PathRule] = []
        for rule in rules.sorted(by: { $0.path.utf8.count < $1.path.utf8.count }) {
            let above = kept.reduce(UInt64(0)) { rule.path.isAtOrBelow($1.path) ? $0 | $1.access : $0 }
            let isWorkspace = confinement.workspace.map { rule.path.isSamePath(as: $0) } ?? false
            if isWorkspace || rule.access & ~above != 0 { kept.append(rule) }
        }
        return kept
    }

    /// What the tool may do in its own /tmp. Landlock adds rights up along a path, through mount points, so what /tmp gives holds
    /// for a grant below it as well. A read-only grant is kept by its mount; one that may write but not delete takes deleting
    /// from /tmp too; any other split cannot be kept and stops the launch.
    private func temporaryRights() throws(LaunchError) -> FileRights {
        for grant in confinement.grants where Confinement.isTemporary(grant.path) {
            let isReadOnly = grant.rights.isDisjoint(with: [.write, .delete])
            guard grant.rights.isSuperset(of: isReadOnly ? .read : [.read, .write]) else {
                throw LaunchError(
                    .path,
                    "\(grant.rule.location): \(grant.rights.names.joined(separator: ", ")) on \(grant.path) cannot be kept apart from the "
                        + "sandbox's own temporary directory above it",
                    mend: "use a directory outside /tmp and /dev/shm, or grant read, write and delete")
            }
        }
        return confinement.temporaryRights
    }

    private static func isPrivate(_ target: String) -> Bool {
        target.hasPrefix("/tmp/") || target.hasPrefix("/dev/shm/")
    }

    private static let keys = Atomic<UInt64>(0)

    private static func nextKey() -> UInt64 { keys.add(1, ordering: .relaxed).newValue }

    // MARK: - The skeleton

    private mutating func addSkeleton(limits: Limits, executableTemporary: Bool) {
        directory("/tmp")
        let inodes = UInt32(clamping: max(limits.createdFiles.clampedTimes(2), 1024))
        creations.append(
            MountEntry(kind: .tmpfs(bytes: limits.tmpBytes, inodes: inodes, mode: 0o1777), target: "/tmp", noExec: !executableTemporary))
        // Paths of the host below /tmp (a workspace there) get their directories inside this tmpfs.
        directory("/proc")
        directory("/dev")
        directory("/dev/shm")
        creations.append(
            MountEntry(kind: .tmpfs(bytes: limits.tmpBytes, inodes: inodes, mode: 0o1777), target: "/dev/shm", noExec: true))
        for (place, text) in RootSkeleton.deviceLinks { creations.append(MountEntry(kind: .symlink(to: text), target: place)) }
        directory("/var")
        creations.append(MountEntry(kind: .symlink(to: "../tmp"), target: "/var/tmp"))
        directories.insert("/var/tmp")
        directory("/run")
        directory("/etc")
        directory("/.sealed")
        creations.append(MountEntry(kind: .file(text: "", mode: 0), target: "/.sealed/file"))
        creations.append(MountEntry(kind: .directory(mode: 0), target: "/.sealed/directory"))
        for (path, text) in RootSkeleton.etc(innerID: innerID, hosts: hosts) {
            creations.append(MountEntry(kind: .file(text: text, mode: 0o644), target: path))
            directories.insert(path)
        }
    }

    private mutating func directory(_ path: String) {
        guard !directories.contains(path) else { return }
        let parent = path.parentPath
        if parent != "/" { directory(parent) }
        creations.append(MountEntry(kind: .directory(mode: 0o755), target: path))
        directories.insert(path)
    }

    // MARK: - Grants

    /// Nil when an optional path is not there.
    private mutating func resolve(_ grant: PathGrant) throws(LaunchError) -> HostPath? {
        for reserved in ["/proc", "/sys", "/dev", "/.sealed"] where grant.path.isAtOrBelow(reserved) || grant.path == "/" {
            throw LaunchError(
                .path, "\(grant.rule.location): \(grant.path) cannot be granted as files: the sandbox has its own \(reserved)",
                mend: grant.path == "/"
                    ? "name the directories that the tool needs" : "grant a device with device:\(grant.path), or drop the rule")
        }
        let workspace = grant.isWorkspace ? try openWorkspace() : nil
        let host: HostPath
        do {
            host = try reach(grant, in: workspace)
        } catch {
            if grant.optional, error.errno == ENOENT || error.errno == ENOTDIR {
                absent.append(grant.path)
                return nil
            }
            throw LaunchError(
                .path, "\(grant.rule.location): \(grant.path) is granted but cannot be reached on this host (\(error.symbol))",
                mend: error.errno == ENOENT ? "create it, or mark the rule `optional: true`" : "check the permissions on the way to it")
        }
        guard host.identity.isDirectory || host.identity.isRegularFile || host.identity.isSocket else {
            throw LaunchError(
                .path, "\(grant.rule.location): \(grant.path) is neither a file nor a directory",
                mend: "device nodes are granted with device:PATH")
        }
        try checkLinks(host, grant)
        return host
    }

    /// The workspace that the run was asked for: held, so that what is granted in it is looked up in it, whatever takes its name.
    private func openWorkspace() throws(LaunchError) -> OwnedDescriptor? {
        guard let expected = workspaceIdentity, let path = confinement.workspace else { return nil }
        do {
            let opened = try PathResolution.openPath(path: path, resolve: .noLinks)
            let identity = try FileIdentity.of(opened.rawValue)
            if identity.device == expected.device, identity.inode == expected.inode { return opened }
        } catch {
            // Not there any more, or a link now.
        }
        throw LaunchError(.path, "the workspace \(path) was exchanged while the run was being prepared", mend: "start the run again")
    }

    private func reach(_ grant: PathGrant, in directory: borrowing OwnedDescriptor?) throws(SystemError) -> HostPath {
        guard let number = directory.number, let workspace = confinement.workspace, grant.path.isAtOrBelow(workspace) else {
            return try HostPath.resolve(grant.path)
        }
        let below = String(decoding: grant.path.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
        do throws(SystemError) {
            let opened = try PathResolution.openPath(at: number, path: below.isEmpty ? "." : below, resolve: .beneathWithoutLinks)
            return HostPath(real: grant.path, identity: try FileIdentity.of(opened.rawValue), links: [])
        } catch {
            // A link on the way: it is named by who refuses it.
            guard error.errno == ELOOP else { throw error }
            let host = try HostPath.resolve(grant.path)
            if host.links.isEmpty { throw error } // not the one that was met
            return host
        }
    }

    /// A link on the way to a grant says what is granted, so it must not be one that a tool could have planted: none at all in the
    /// workspace (whose own path has none), and elsewhere only root's.
    private func checkLinks(_ host: HostPath, _ grant: PathGrant) throws(LaunchError) {
        guard let link = host.links.first(where: { grant.isWorkspace || $0.owner != 0 }) else { return }
        throw LaunchError(
            .path, "\(grant.rule.location): \(grant.path) passes through the link \(link.place), which anybody may have made",
            mend: "name the real path: \(host.real)")
    }

    private mutating func add(_ host: HostPath, _ grant: PathGrant, mediated: Bool) {
        for link in host.links where !isInsideBind(link.place) && !directories.contains(link.place) {
            directory(link.place.parentPath)
            creations.append(MountEntry(kind: .symlink(to: link.text), target: link.place))
            directories.insert(link.place)
        }
        let subtree = grant.subtree && host.identity.isDirectory
        grants.append(.init(path: host.real, rights: grant.rights, subtree: subtree, rule: grant.rule))
        rules.append(PathRule(path: host.real, access: LandlockPlan.bits(for: grant.rights, mediated: mediated), optional: false))
        bind(host, grant)
    }

    private func isInsideBind(_ path: String) -> Bool { bound.contains { path.isAtOrBelow($0.path) } }

    private mutating func bind(_ host: HostPath, _ grant: PathGrant) {
        let writable = grant.rights.contains(.write) || grant.rights.contains(.delete)
        let readOnly = !writable
        let noExec = !grant.rights.contains(.execute)
        // The innermost bind around this path already shows it; the same flags need no second mount.
        if let around = bound.last(where: { host.real.isAtOrBelow($0.path) }) {
            if around.readOnly == readOnly, around.noExec == noExec { return }
        } else if host.identity.isDirectory {
            directory(host.real)
        } else if !directories.contains(host.real) {
            directory(host.real.parentPath)
            creations.append(MountEntry(kind: .file(text: "", mode: 0o644), target: host.real))
            directories.insert(host.real)
        }
        let owner = isRoot && (grant.isWorkspace || writable) ? ownerFor(host) : nil
        let source = BindSource(path: host.real, device: host.identity.device, inode: host.identity.inode, owner: owner)
        binds.append(MountEntry(kind: .bind(source), target: host.real, readOnly: readOnly, noExec: noExec))
        bound.append((host.real, readOnly, noExec))
    }

    /// Of a directory of root's the receipt says whose the tool's files are.
    private mutating func ownerFor(_ host: HostPath) -> BindSource.Owner {
        let owner = BindSource.Owner(of: host.identity)
        if owner.isShared {
            note = "\(host.real) belongs to root and is open to everybody: new files belong to nobody (65534)"
        } else if owner.user == 0 {
            note = "\(host.real) belongs to root: the tool's files there belong to root as well (set-id bits are refused)"
        }
        return owner
    }

    // MARK: - Devices

    private mutating func addDevices() throws(LaunchError) {
        for name in Confinement.ownDevices {
            try bindDevice("/dev/" + name, from: "the minimal /dev")
            // The supervisor opens them for the tool when it asks with O_CREAT, as every `>/dev/null` of a shell does.
            grants.append(.init(path: "/dev/" + name, rights: [.read, .write], subtree: false, rule: nil))
            rules.append(PathRule(path: "/dev/" + name, access: LandlockPlan.deviceBits, optional: false))
        }
        var wantsTerminals = terminal
        for device in confinement.devices {
            if device.path == "/dev/ptmx" || device.path == "/dev/pts" {
                wantsTerminals = true
                continue
            }
            try bindDevice(device.path, from: device.rule.location)
            grants.append(.init(path: device.path, rights: device.rights, subtree: false, rule: device.rule))
            rules.append(
                PathRule(
                    path: device.path, access: LandlockPlan.ioctlDevice | LandlockPlan.bits(for: device.rights, mediated: true),
                    optional: false))
        }
        if wantsTerminals {
            directory("/dev/pts")
            creations.append(MountEntry(kind: .symlink(to: "pts/ptmx"), target: "/dev/ptmx"))
            binds.append(MountEntry(kind: .devpts, target: "/dev/pts"))
            rules.append(PathRule(path: "/dev/pts", access: LandlockPlan.terminalBits, optional: false))
            grants.append(.init(path: "/dev/pts", rights: [.read, .write], subtree: true, rule: nil))
        }
        if terminal {
            try bindDevice("/dev/tty", from: "--terminal")
            rules.append(PathRule(path: "/dev/tty", access: LandlockPlan.deviceBits, optional: false))
            // Where the run's own pty gets a name inside (ttyname(3) looks through /dev for it).
            creations.append(MountEntry(kind: .file(text: "", mode: 0o666), target: "/dev/console"))
            rules.append(PathRule(path: "/dev/console", access: LandlockPlan.terminalBits, optional: false))
            grants.append(.init(path: "/dev/console", rights: [.read, .write], subtree: false, rule: nil))
        }
    }

    private mutating func bindDevice(_ path: String, from origin: String) throws(LaunchError) {
        guard path.hasPrefix("/dev/"), !directories.contains(path) else { return }
        let identity: FileIdentity
        do {
            identity = try FileIdentity.of(path: path, followingLink: false)
        } catch {
            throw LaunchError(.path, "\(origin): \(path) is not on this host (\(error.symbol))", mend: "drop the device rule")
        }
        guard identity.isCharacterDevice else {
            throw LaunchError(.path, "\(origin): \(path) is no character device", mend: "only character devices can be granted")
        }
        directory(path.parentPath)
        creations.append(MountEntry(kind: .file(text: "", mode: 0o666), target: path))
        directories.insert(path)
        let source = BindSource(path: path, device: identity.device, inode: identity.inode, owner: nil)
        binds.append(MountEntry(kind: .bind(source), target: path, noExec: true, device: true))
    }
}
