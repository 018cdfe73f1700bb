package import Glibc
package import LinuxPrimitives

/// Plain file operations on the host, for preparing a test and for looking at what it left.
package enum HostFile {
    package static func write(_ path: String, _ text: String = "", mode: mode_t = 0o644) throws {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: path) }
        let file = OwnedDescriptor(adopting: number)
        try Transfer.writeAll(file.rawValue, Array(text.utf8))
        guard fchmod(file.rawValue, mode) == 0 else { throw SystemError(errno: errno, operation: "fchmod", object: path) }
    }

    package static func text(_ path: String) throws -> String { try SmallFile.text(path) }

    package static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
        guard mkdir(path, mode) == 0, chmod(path, mode) == 0 else { throw SystemError(errno: errno, operation: "mkdir", object: path) }
    }

    /// Text of a link; nil when there is none.
    package static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let size = readlink(path, base, buffer.count)
            return size < 0 ? nil : String(decoding: buffer[..<size].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Whether something has that name, be it a link to nothing.
    package static func exists(_ path: String) -> Bool { (try? FileIdentity.of(path: path, followingLink: false)) != nil }

    package static func identity(_ path: String) throws -> FileIdentity { try FileIdentity.of(path: path, followingLink: false) }

    /// Names in a directory, sorted.
    package static func names(_ path: String) throws -> [String] {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: path) }
        let directory = OwnedDescriptor(adopting: number)
        return try DirectoryListing.names(directory.rawValue).filter { $0 != "." && $0 != ".." }.sorted()
    }

    /// Gives a path to another owner; only root can, so an ordinary user's call does nothing.
    package static func give(_ path: String, to owner: UInt32) throws {
        guard KernelFacts.isRoot else { return }
        guard lchown(path, owner, owner) == 0 else { throw SystemError(errno: errno, operation: "lchown", object: path) }
    }

    /// Removes a directory with everything in it, as far as that goes.
    package static func removeTree(_ path: String) {
        chmod(path, 0o700)
        if let stream = opendir(path) {
            var names: [String] = []
            while let entry = readdir(stream) {
                guard let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) else { break }
                let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
                if name != ".", name != ".." { names.append(name) }
            }
            closedir(stream)
            for name in names where unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
        }
        rmdir(path)
    }
}
