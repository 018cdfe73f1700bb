internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// Paths that mean something else to a server than to its client: what `/proc/self` and `/dev/fd` lead to is the reader's own.
enum ServedPaths {
    /// Refuses words with such a path, by whatever links it leads there.
    static func check(_ arguments: RunArguments) throws(CommandFailure) {
        var paths: [String] = []
        if let policy = arguments.policy, PolicyStore.isPath(policy) { paths.append(policy) }
        if let workspace = arguments.workspace { paths.append(workspace.path) }
        // The last name of a report is replaced, never opened.
        if let report = arguments.report { paths.append(parent(of: report)) }
        for path in paths where belongsToReader(path) {
            throw .failed("`\(path)` may lead to something of the process that opens it")
        }
    }

    /// The same for what rules grant, and for what they deny outside of the workspace, wherever they are written.
    static func check(_ request: RunRequest) throws(CommandFailure) {
        let confinement = request.confinement
        let denied = confinement.denials.map(\.path).filter { path in
            confinement.workspace.map { !path.utf8.starts(with: ($0 + "/").utf8) } ?? true
        }
        for path in confinement.grants.map(\.path) + denied where belongsToReader(path) {
            throw .failed("the rule for `\(path)` may lead to something of the process that opens it")
        }
    }

    /// What is not there at all does not: whoever opens it will say so.
    static func belongsToReader(_ path: String) -> Bool {
        let absolute: String
        if path.hasPrefix("/") {
            absolute = path
        } else {
            guard let here = try? PathResolution.canonicalPath(".") else { return true }
            absolute = (here == "/" ? "/" : here + "/") + path
        }
        if isOfKernel(absolute) { return true }
        guard let host = try? HostPath.resolve(absolute) else {
            // A link whose text is no path, as those of open pipes are, leads somewhere all the same.
            if (try? FileIdentity.of(path: absolute, followingLink: false)) != nil { return true }
            return absolute != "/" && belongsToReader(parent(of: absolute))
        }
        return isOfKernel(host.real) || host.links.contains { isOfKernel($0.place) }
    }

    private static func isOfKernel(_ path: String) -> Bool {
        let first = path.utf8.split(separator: UInt8(ascii: "/")).first { !$0.elementsEqual(".".utf8) }
        guard let first else { return false }
        return first.elementsEqual("proc".utf8) || first.elementsEqual("dev".utf8)
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
