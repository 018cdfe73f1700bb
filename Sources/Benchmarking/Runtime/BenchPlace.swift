package import Glibc
package import LinuxPrimitives

/// A directory of one measurement's own, removed with everything in it.
package struct BenchPlace: Sendable {
    package let root: String
    package var workspace: String { root + "/workspace" }
    package var store: String { root + "/state/store.sqlite" }

    package init() throws(SystemError) {
        let parent = getenv("TMPDIR").flatMap { String(validatingCString: $0) } ?? "/tmp"
        var template = Array("\(parent)/glovebox-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(errno: errno, operation: "mkdtemp", object: parent) }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Peers map other users, who have to pass.
        guard chmod(root, 0o755) == 0 else { throw SystemError(errno: errno, operation: "chmod", object: root) }
        try directory("workspace", mode: 0o755)
        try directory("state", mode: 0o700)
    }

    package func directory(_ name: String, mode: mode_t = 0o755) throws(SystemError) {
        guard mkdir("\(root)/\(name)", mode) == 0 else { throw SystemError(errno: errno, operation: "mkdir", object: "\(root)/\(name)") }
    }

    package func file(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        let file = try PathResolution.open(path: "\(root)/\(name)", flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try Transfer.writeAll(file.rawValue, bytes)
    }

    /// Beneath the directory that this run made, through no link.
    package func remove() {
        let number = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if number >= 0 {
            let opened = OwnedDescriptor(adopting: number)
            Self.empty(opened.rawValue, depth: 0)
        }
        rmdir(root)
    }

    private static func empty(_ directory: Int32, depth: Int) {
        for name in (try? DirectoryListing.names(directory)) ?? [] where unlinkat(directory, name, 0) != 0 {
            let number = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if number >= 0, depth < 16 {
                let below = OwnedDescriptor(adopting: number)
                empty(below.rawValue, depth: depth + 1)
            } else if number >= 0 {
                close(number)
            }
            unlinkat(directory, name, AT_REMOVEDIR)
        }
    }
}
