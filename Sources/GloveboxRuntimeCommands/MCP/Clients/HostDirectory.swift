internal import Glovebox
internal import LinuxPrimitives

/// Directories of the host that a server is given beside its workspace or as it: what no workspace may be, they must not be either.
enum HostDirectory {
    /// Nil when a server may have it.
    static func reasonAgainst(_ path: String, home: String? = Workspace.callersHome) -> String? {
        Workspace.reasonAgainst(real(path), home: home)
    }

    /// Whether `inner` is `outer` or lies in it.
    static func holds(_ outer: String, _ inner: String) -> Bool {
        let outer = real(outer)
        return outer == "/" || (real(inner) + "/").utf8.starts(with: (outer + "/").utf8)
    }

    /// What a person should hear about `filesystem:host:PATH=RIGHT,…` that opens for changes what no workspace may be.
    static func warning(ofAllow text: String, home: String? = Workspace.callersHome) -> String? {
        let kind = "filesystem:host:"
        guard text.hasPrefix(kind) else { return nil }
        let body = text.dropFirst(kind.count)
        let equals = body.lastIndex(of: "=") ?? body.endIndex
        let rights = body[equals...].dropFirst().split(separator: ",")
        guard equals == body.endIndex || rights.contains("write") || rights.contains("delete") else { return nil }
        var path = body[..<equals]
        while path.hasSuffix("*") { path = path.dropLast() }
        guard let reason = reasonAgainst(path.isEmpty ? "/" : String(path), home: home) else { return nil }
        return "--allow \(text) lets the server change files there, and \(reason); allow a directory below it instead"
    }

    /// Without links, where it is there; as it is written, without empty parts and dots, where it is not.
    private static func real(_ path: String) -> String {
        if let real = try? PathResolution.canonicalPath(path) { return real }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
