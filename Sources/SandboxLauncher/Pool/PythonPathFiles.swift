internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// The `.pth` files of the host's package directories: a line of one that is a path is searched for modules at each start of `python3`,
/// `sitecustomize` among them.
enum PythonPathFiles {
    private struct Read: Sendable {
        var prefixes: [String]
        var paths: [String]
        var at: UInt64
    }

    private static let last = Mutex<Read?>(nil)
    /// What was read counts for so long, nanoseconds: whoever writes there is root, and the interpreters that wait were started before.
    private static let period: UInt64 = 1_000_000_000

    /// Whether such a line leads to, into or above one of these places.
    static func lead(from prefixes: [String], into places: [String]) -> Bool {
        paths(of: prefixes).contains { path in places.contains { path.isAtOrBelow($0) || $0.isAtOrBelow(path) } }
    }

    private static func paths(of prefixes: [String]) -> [String] {
        let now = MonotonicClock.now()
        return last.withLock { last in
            if let last, last.prefixes == prefixes, now - last.at < period { return last.paths }
            let read = directories(of: prefixes).flatMap(lines)
            last = Read(prefixes: prefixes, paths: read, at: now)
            return read
        }
    }

    private static func directories(of prefixes: [String]) -> [String] {
        (prefixes + ["/usr", "/usr/local"]).flatMap { prefix in
            ["lib", "lib64", "local/lib"].flatMap { library -> [String] in
                let place = prefix + "/" + library
                // Of a place that cannot be looked into nothing is known: any version may stand there, and hold what leads anywhere.
                guard let versions = names(in: place) else { return [place] }
                return versions.filter { $0.utf8.starts(with: "python3".utf8) }.flatMap { version in
                    ["site-packages", "dist-packages"].map { "\(place)/\(version)/\($0)" }
                }
            }
        }
    }

    /// As the interpreter reads them: a comment and a line of code are no path, and a relative one begins where the file is.
    private static func lines(in directory: String) -> [String] {
        guard let files = names(in: directory) else { return ["/"] }
        return files.filter { $0.hasSuffix(".pth") }.flatMap { name -> [String] in
            guard let text = try? SmallFile.text(directory + "/" + name) else { return ["/"] } // it may lead anywhere
            return text.split(whereSeparator: \.isNewline).compactMap { line in
                let line = line.drop { $0 == " " || $0 == "\t" }
                if line.isEmpty || line.hasPrefix("#") || line.hasPrefix("import ") || line.hasPrefix("import\t") { return nil }
                let path = line.hasPrefix("/") ? String(line) : directory + "/" + line
                return (try? HostPath.resolve(path).real) ?? path
            }
        }
    }

    /// None where there is no such directory; nil where it cannot be told.
    private static func names(in directory: String) -> [String]? {
        do throws(SystemError) {
            let opened = try PathResolution.open(path: try HostPath.resolve(directory).real, flags: O_RDONLY | O_DIRECTORY)
            return try DirectoryListing.names(opened.rawValue)
        } catch {
            return error.errno == ENOENT || error.errno == ENOTDIR ? [] : nil
        }
    }
}
