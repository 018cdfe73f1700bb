internal import CapabilityLanguage
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
package import SandboxPolicy

/// A directory that a tool may be let into: checked, and named by its real path.
package struct Workspace: Sendable, Equatable {
    /// Absolute, without links.
    package let path: String
    package let isWritable: Bool
    /// Of the directory that was checked: what stands at `path` later may be another one.
    package let device: UInt64
    package let inode: UInt64

    /// Directories of the system that are nobody's project, though something below them may be.
    private static let refused: [String] = [
        "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/lost+found", "/media", "/mnt", "/opt",
        "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
        "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/libx32", "/usr/local", "/usr/sbin",
        "/usr/share", "/usr/src", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/tmp",
    ]
    /// Nothing below these is a directory of files.
    private static let refusedTrees = ["/boot", "/dev", "/proc", "/sys"]

    /// Checks a directory that was named as a workspace.
    /// - Parameter home: the caller's home directory; a workspace that holds it would hold every key of the caller.
    package init(checking given: String, writable: Bool, home: String? = Workspace.callersHome) throws(PolicyError) {
        let name = Self.withoutTail(given)
        func refusal(_ message: String, _ mend: String) -> PolicyError {
            PolicyError(file: "workspace \(given)", message: message, mend: mend)
        }
        if name.isEmpty { throw refusal("the name is empty", "name a directory") }
        if name.utf8.contains(0) { throw refusal("the name holds a NUL byte", "remove it") }
        let canonical: String
        let identity: FileIdentity
        do throws(SystemError) {
            if try FileIdentity.of(path: name, followingLink: false).isSymbolicLink {
                throw SystemError(errno: ELOOP, operation: "workspace", object: try PathResolution.canonicalPath(name))
            }
            // A tool may plant and swap links as its caller; the links on the way have to be root's. What the walk found is then
            // opened without any link, and that open directory is what was checked.
            let absolute = name.hasPrefix("/") ? name : try PathResolution.canonicalPath(".") + "/" + name
            let host = try HostPath.resolve(absolute)
            if let link = host.links.first(where: { $0.owner != 0 }) {
                throw SystemError(errno: ELOOP, operation: "link", object: "\(link.place)\n\(host.real)")
            }
            let opened = try PathResolution.openPath(path: host.real)
            canonical = host.real
            identity = try FileIdentity.of(opened.rawValue)
            guard identity.isDirectory else { throw SystemError(errno: ENOTDIR, operation: "workspace") }
        } catch {
            switch (error.operation, error.errno) {
            case ("workspace", ELOOP): throw refusal("is a symbolic link", "name the real path: \(error.object ?? "")")
            case ("link", ELOOP):
                let parts = (error.object ?? "").split(separator: "\n", maxSplits: 1)
                throw refusal("passes through the link \(parts[0]), which anybody may have made", "name the real path: \(parts[1])")
            case (_, ELOOP): throw refusal("was exchanged for a link while it was looked at", "start the run again")
            case (_, ENOENT): throw refusal("does not exist", "create it, or name another with --workspace DIR")
            case (_, ENOTDIR): throw refusal("is not a directory", "name the directory that the tool works in")
            case (_, EACCES): throw refusal("cannot be reached by this user (EACCES)", "check the permissions on the way to it")
            case (_, EILSEQ): throw refusal("has a name that is not UTF-8", "rename it")
            default: throw refusal("cannot be used (\(error.symbol))", "name another directory")
            }
        }
        if let reason = Self.reasonAgainst(canonical, home: home) {
            throw refusal(
                given == canonical ? reason : "\(reason) (\(canonical))", "make a directory for the tool and name it with --workspace DIR")
        }
        path = canonical
        isWritable = writable
        device = identity.device
        inode = identity.inode
    }

    /// Why a directory is never a workspace; nil when it may be one. Takes a canonical path.
    package static func reasonAgainst(_ path: String, home: String?) -> String? {
        if path == "/" { return "the root directory is the whole host" }
        if let home, home != "/" {
            let real = (try? PathResolution.canonicalPath(home)) ?? withoutTail(home)
            if path == real { return "a home directory holds keys and settings that no tool may see" }
            // Byte by byte: to a comparison of characters, a slash before a combining mark is no slash.
            if real.utf8.starts(with: (path + "/").utf8) { return "it holds the home directory \(real)" }
        }
        if refused.contains(path) { return "it is a directory of the system" }
        if let tree = refusedTrees.first(where: { path.utf8.starts(with: ($0 + "/").utf8) }) {
            return "it lies in \(tree), which belongs to the system"
        }
        let parts = path.split(separator: "/")
        if parts.count == 2, parts.first == "home" { return "a home directory holds keys and settings that no tool may see" }
        return nil
    }

    package static var callersHome: String? {
        guard let value = getenv("HOME"), let text = String(validatingCString: value), text.hasPrefix("/") else { return nil }
        return text
    }

    /// `dir/`, `dir/.` and `dir` are the same place, but only the last shows that `dir` is a link.
    private static func withoutTail(_ path: String) -> String {
        var text = Substring(path)
        while text.utf8.count > 1 {
            if text.hasSuffix("/") { text = text.dropLast() } else if text.hasSuffix("/.") { text = text.dropLast(2) } else { break }
        }
        return text.isEmpty && !path.isEmpty ? "/" : String(text)
    }
}

extension Workspace {
    /// Where the denials of a workspace hold although no rule opens one: in the current directory, which a rule on paths of the
    /// host may open. Nil when the policy denies nothing in a workspace.
    ///
    /// It need not be fit for a workspace, for nothing of it is given.
    package static func currentDirectory(for policy: ResolvedPolicy) throws(PolicyError) -> String? {
        guard policy.rules.contains(where: { $0.effect != .allow && $0.isOfWorkspace }) else { return nil }
        do throws(SystemError) {
            return try PathResolution.canonicalPath(".")
        } catch {
            throw PolicyError(
                file: "the current directory", message: "cannot be told (\(error.symbol)), and the policy denies names in it",
                mend: "start the run from a directory that exists, or name one with --workspace DIR")
        }
    }
}

extension PolicyRule {
    fileprivate var isOfWorkspace: Bool { resource.kind == .filesystem && resource.parts.first?.text == "workspace" }
}

extension ResolvedPolicy {
    /// Whether any rule opens something of a workspace, so that a run needs to have one.
    package var usesWorkspace: Bool {
        rules.contains { $0.effect == .allow && $0.isOfWorkspace }
    }
}
