import Glibc
import LinuxPrimitives

/// A directory of a test's own, removed with everything in it.
final class ScratchDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/glovebox-commands-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(errno: errno, operation: "mkdtemp") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    @discardableResult func directory(_ name: String) -> String {
        var at = path
        for part in name.split(separator: "/") {
            at += "/" + part
            mkdir(at, 0o755)
        }
        return at
    }

    @discardableResult func file(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        let whole = path + "/" + name
        let file = try PathResolution.open(path: whole, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try Transfer.writeAll(file.rawValue, Array(text.utf8))
        fchmod(file.rawValue, mode)
        return whole
    }

    private static func remove(_ path: String) {
        if let identity = try? FileIdentity.of(path: path, followingLink: false), identity.isDirectory,
            let handle = try? PathResolution.openDirectory(path: path), let names = try? DirectoryListing.names(handle.rawValue)
        {
            for name in names { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
