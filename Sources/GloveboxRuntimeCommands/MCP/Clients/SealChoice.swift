internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import MCPClients
internal import MCPRelay
internal import SandboxLauncher

/// How one server will be sealed, chosen from what its entry says.
struct SealChoice {
    /// What the person said; nil leaves it to us.
    struct Wishes {
        var policy: String?
        var workspace: String?
        var allowed: [String] = []
    }

    var seal: SealedCommand.Seal
    /// What the person should know before saying yes.
    var notes: [String] = []

    /// - Throws: when it would open what no server may have.
    init(_ entry: ServerEntry, _ command: ServerCommand, _ wishes: Wishes) throws(EntryRefusal) {
        let known = KnownServer.of(command)?.server
        let directories = KnownServer.directories(command)
        let policy = wishes.policy ?? known?.policy ?? "workspace"
        var allowed = wishes.allowed
        seal = SealedCommand.Seal(
            program: Self.program(), policy: policy, name: Self.name(entry.name, known, policy), environment: command.environment,
            workspace: wishes.workspace ?? directories.first ?? command.workingDirectory.flatMap { $0.hasPrefix("/") ? $0 : nil })
        try Self.check(directories, workspace: seal.workspace, allowed)
        allowed += Self.runtime(of: command.program)
        seal.allowed = allowed
        notes += wishes.allowed.compactMap { HostDirectory.warning(ofAllow: $0) }
        if known == .fetch {
            notes.append("it reaches no network; add --allow network:tcp:HOST:443=connect for each host that it may fetch from")
        }
        let last = command.program.split(separator: "/").last.map(String.init) ?? ""
        if ["npx", "uvx", "pnpx", "bunx", "pipx", "uv"].contains(last) {
            notes.append(
                "\(last) fetches packages when it starts, and inside there is no network and nothing of your caches; "
                    + "install the server, and name its own program")
        } else if ["docker", "podman"].contains(last) {
            notes.append("\(last) talks to a service outside, which the sandbox does not reach; it is a container of its own already")
        }
        if command.program.contains("$") || command.arguments.contains(where: { $0.contains("${") }) {
            notes.append("the client's `${…}` are put in before Glovebox sees them")
        }
    }

    /// What is guarded in a workspace (`.env`, `.git/hooks` and others) is guarded in one only: a second directory would stand open.
    private static func check(_ directories: [String], workspace: String?, _ allowed: [String]) throws(EntryRefusal) {
        for directory in directories + (workspace.map { [$0] } ?? []) {
            if let reason = HostDirectory.reasonAgainst(directory) {
                throw EntryRefusal(
                    reason:
                        "it would work in \(directory): \(reason); name a directory made for it in the entry, or with --server-workspace")
            }
        }
        let extra = directories.filter { directory in
            if let workspace, HostDirectory.holds(workspace, directory) { return false }
            return !allowed.contains { $0.hasPrefix("filesystem:host:\(directory)=") }
        }
        if let first = extra.first {
            throw EntryRefusal(
                reason: "it works in more than one directory, and names like .env, .ssh and .git/hooks are guarded in one alone; make an "
                    + "entry for each, or open it whole with --allow filesystem:host:\(first)=read,write,delete")
        }
    }

    /// The name that rules will use. A shipped policy rules about its server by one name: under another nothing of it would hold.
    static func name(_ text: String, _ known: KnownServer?, _ policy: String) -> String {
        if let known, known.policy == policy { return known.rawValue }
        let plain = String(text.prefix(64).map { ToolResource.isServerName("a\($0)") && $0.isASCII ? $0 : "_" })
        return ToolResource.isServerName(plain) ? plain : "server"
    }

    /// `glovebox` where it is on PATH and is this one, its path otherwise: clients with windows often have another PATH.
    private static func program() -> String {
        let own = ServerStanding.ownPrograms()
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            guard let real = try? PathResolution.canonicalPath("\(directory)/glovebox") else { continue }
            return own.contains(real)
                ? "glovebox" : own.sorted { $0.utf8.count < $1.utf8.count }.first { access($0, X_OK) == 0 } ?? "glovebox"
        }
        return own.sorted { $0.utf8.count < $1.utf8.count }.first { access($0, X_OK) == 0 } ?? "glovebox"
    }

    /// What a program in a Python environment of its own needs to be seen: the environment, and the Python that it was made with.
    static func runtime(of program: String) -> [String] {
        guard let found = located(program) else { return [] }
        var roots: [String] = []
        for path in [found, (try? PathResolution.canonicalPath(found)) ?? found] {
            guard let root = above(above(path)), (try? FileIdentity.of(path: root + "/pyvenv.cfg")) != nil else { continue }
            if let real = try? PathResolution.canonicalPath(root) { roots.append(real) }
            guard let python = try? PathResolution.canonicalPath(root + "/bin/python"), let prefix = above(above(python)),
                !isShared(python), !python.hasPrefix(root + "/")
            else { continue }
            roots.append(prefix)
        }
        var seen: Set<String> = []
        return roots.filter { seen.insert($0).inserted && !isShared($0) }.map { "filesystem:host:\($0)=read,execute" }
    }

    private static func located(_ program: String) -> String? {
        if program.hasPrefix("/") { return program }
        if program.contains("/") { return nil }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func isShared(_ path: String) -> Bool {
        ["/usr/", "/bin/", "/lib/", "/sbin/"].contains { (path + "/").hasPrefix($0) }
    }

    private static func above(_ path: String?) -> String? {
        guard let path, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return nil }
        return String(path[..<slash])
    }
}
