internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import StrictJSON
internal import Synchronization

/// What the files of tools hold. An approval is for a program, not for whatever has its name by then.
final class ProgramDigests: Sendable {
    /// Bytes of one file that are read. A larger one, and everything in a directory, counts by its identity and its times.
    private static let mostRead: UInt64 = 64 << 20
    /// Entries of a directory that are looked at.
    private static let mostEntries = 10_000

    /// Digests by what tells a file from another, and from itself after a change: it is read once.
    private let known = Mutex<[String: String]>([:])

    /// One word for each path, in the same order. What is not there, or cannot be read, has a word too: the launch says why.
    func words(of paths: [String]) -> [String] { paths.map { word(of: $0) } }

    private func word(of path: String) -> String {
        guard let identity = try? FileIdentity.of(path: path) else { return "absent" }
        if identity.isDirectory {
            var lines: [UInt8] = []
            var left = Self.mostEntries
            list(path, "", into: &lines, &left)
            return left > 0 ? "tree:" + SHA256Text.of(lines) : "more than \(Self.mostEntries) files"
        }
        let state = Self.state(identity)
        guard identity.isRegularFile, identity.size <= Self.mostRead else { return state }
        if let word = known.withLock({ $0[state] }) { return word }
        guard let file = try? PathResolution.open(path: path, flags: O_RDONLY | O_NONBLOCK, resolve: []),
            let bytes = try? Transfer.readAll(file.rawValue, size: Int(identity.size)),
            let after = try? FileIdentity.of(file.rawValue), after == identity
        else { return state }
        let word = "sha256:" + SHA256Text.of(bytes)
        known.withLock { known in
            if known.count >= 256 { known = [:] }
            known[state] = word
        }
        return word
    }

    private func list(_ root: String, _ below: String, into lines: inout [UInt8], _ left: inout Int) {
        guard let handle = try? PathResolution.openDirectory(path: root + below, resolve: []),
            let names = try? DirectoryListing.names(handle.rawValue)
        else { return }
        for name in names.sorted(by: utf8Precedes) {
            left -= 1
            guard left > 0 else { return }
            let path = below + "/" + name
            guard let identity = try? FileIdentity.of(path: root + path, followingLink: false) else { continue }
            lines += Array("\(path)\u{0}\(Self.state(identity))\u{0}".utf8)
            if identity.isDirectory { list(root, path, into: &lines, &left) }
        }
    }

    private static func state(_ identity: FileIdentity) -> String {
        "file:\(identity.device):\(identity.inode):\(identity.size):\(identity.modifiedNanoseconds):\(identity.changedNanoseconds)"
    }
}
