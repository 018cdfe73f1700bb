package import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// A directory of one test's own, removed with everything in it when nobody holds it any more. Everybody may pass through it,
/// so that an unprivileged tool reaches what lies below.
package final class ScratchDirectory: Sendable {
    package let path: String
    private let isRemoved = Atomic<Bool>(false)

    package init(_ label: String = "test") throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/glovebox-\(label)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(errno: errno, operation: "mkdtemp", object: base) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard chmod(path, 0o755) == 0 else { throw SystemError(errno: errno, operation: "chmod", object: path) }
    }

    deinit { remove() }

    /// Removes it now: for a process that will not come to its end, and where something has to happen afterwards.
    package func remove() {
        // Once only: a second time the name may be somebody else's.
        if !isRemoved.exchange(true, ordering: .relaxed) { HostFile.removeTree(path) }
    }

    /// Makes a directory and those above it that are missing, and gives its path.
    @discardableResult
    package func directory(_ name: String) throws -> String {
        var at = path
        for part in name.split(separator: "/") {
            at += "/" + part
            guard mkdir(at, 0o755) == 0 || errno == EEXIST else { throw SystemError(errno: errno, operation: "mkdir", object: at) }
        }
        return at
    }

    /// Makes a file and gives its path.
    @discardableResult
    package func file(_ name: String, _ text: String = "", mode: mode_t = 0o644) throws -> String {
        try HostFile.write("\(path)/\(name)", text, mode: mode)
        return "\(path)/\(name)"
    }

    /// Makes a symbolic link and gives its path.
    @discardableResult
    package func link(_ name: String, to target: String) throws -> String {
        let link = "\(path)/\(name)"
        guard symlink(target, link) == 0 else { throw SystemError(errno: errno, operation: "symlink", object: link) }
        return link
    }
}
