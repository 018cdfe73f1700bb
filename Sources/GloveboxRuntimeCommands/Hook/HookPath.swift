internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// Paths as an agent writes them, and the files that they lead to.
enum HookPath {
    struct Problem: Error { var message: String }

    /// The path without links and dots. Of a file that is still to be made, its directory's, with its name.
    static func real(_ path: String) throws(Problem) -> String {
        func refusal(_ why: String) -> Problem { Problem(message: "`\(printable(String(path.prefix(512))))` \(why)") }
        if path.utf8.contains(0) || path.utf8.count > Int(PATH_MAX) { throw refusal("is no path") }
        var existing = path
        var missing: [String] = []
        while true {
            do throws(SystemError) {
                let base = try PathResolution.canonicalPath(existing.isEmpty ? "/" : existing)
                if let first = missing.last, (try? FileIdentity.of(path: base + "/" + first, followingLink: false)) != nil {
                    throw SystemError(errno: ELOOP, operation: "link")
                }
                return missing.reversed().reduce(base == "/" ? "" : base) { $0 + "/" + $1 }.isEmpty
                    ? "/" : missing.reversed().reduce(base == "/" ? "" : base) { $0 + "/" + $1 }
            } catch {
                if error.operation == "link" { throw refusal("leads through a link to nothing") }
                guard error.errno == ENOENT, let slash = existing.utf8.lastIndex(of: UInt8(ascii: "/")) else {
                    throw refusal("cannot be followed (\(error.symbol))")
                }
                let name = String(existing[existing.utf8.index(after: slash)...])
                existing = String(existing[..<slash])
                if name == ".." { throw refusal("goes back through a directory that is not there") }
                if !name.isEmpty, name != "." { missing.append(name) }
            }
        }
    }

    /// The path with `.` and `..` taken out of its text; nil when it leads above the root.
    static func withoutDots(_ path: String) -> String? {
        var parts: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            let text = String(decoding: part, as: UTF8.self)
            if text == "." { continue }
            if text == ".." {
                if parts.popLast() == nil { return nil }
            } else {
                parts.append(text)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}

/// Where an address of the web leads.
enum HookURL {
    /// Nil for anything but a plain `http` or `https` address.
    static func target(_ url: String) -> (host: String, port: UInt16)? {
        guard url.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }), !url.contains("\\") else { return nil }
        let lower = url.lowercased()
        let scheme = ["https://", "http://"].first { lower.hasPrefix($0) }
        guard let scheme else { return nil }
        let rest = lower.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        if authority.isEmpty || authority.contains("@") { return nil }
        var host = authority
        var port: UInt16 = scheme == "https://" ? 443 : 80
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]") ?? authority.startIndex : authority.startIndex
        if let colon = authority[end...].lastIndex(of: ":") {
            guard let given = UInt16(authority[authority.index(after: colon)...]), given > 0 else { return nil }
            port = given
            host = authority[..<colon]
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        return host.isEmpty ? nil : (String(host), port)
    }
}
