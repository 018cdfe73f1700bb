internal import Glibc
package import LinuxPrimitives

/// A granted path as the host has it now: the real file or directory behind the links on the way, and those links.
package struct HostPath: Sendable, Equatable {
    /// Without any link.
    package var real: String
    package var identity: FileIdentity
    /// Links met on the way, outermost first: where they stand and what they say.
    package var links: [Link]
    /// Directories on the way that a `..` leaves again: another one of their names would lead elsewhere.
    package var left: [String] = []

    package struct Link: Sendable, Equatable {
        package var place: String
        package var text: String
        /// Host uid.
        package var owner: UInt32
    }

    /// Walks the path from the root. The kernel walks it again at launch, without links, and compares device and inode: what
    /// changes in between stops the launch.
    package static func resolve(_ path: String) throws(SystemError) -> HostPath {
        // Most paths hold no link: then the kernel's own walk, in one call, is the whole of it.
        if path.isPlainAbsolutePath {
            do throws(SystemError) {
                let opened = try PathResolution.openPath(path: path, resolve: .noLinks)
                return HostPath(real: path, identity: try FileIdentity.of(opened.rawValue), links: [])
            } catch {
                guard error.errno == ELOOP else { throw error }
            }
        }
        return try walk(path)
    }

    private static func walk(_ path: String) throws(SystemError) -> HostPath {
        var pending = path.pathComponents[...]
        var walked = "" // no slash at its end: the root is empty
        var links: [Link] = []
        var left: [String] = []
        var last: FileIdentity? // of what `walked` names
        while let component = pending.popFirst() {
            if component == "." { continue }
            if component == ".." {
                if !walked.isEmpty { left.append(walked) }
                if !walked.isEmpty { walked = walked.parentPath == "/" ? "" : walked.parentPath }
                last = nil
                continue
            }
            let place = walked + "/" + component
            let identity = try FileIdentity.of(path: place, followingLink: false)
            guard identity.isSymbolicLink else {
                (walked, last) = (place, identity)
                continue
            }
            guard links.count < 40 else { throw SystemError(errno: ELOOP, operation: "resolve", object: path) }
            let text = try readLink(place)
            links.append(Link(place: place, text: text, owner: identity.uid))
            if text.utf8.first == UInt8(ascii: "/") { (walked, last) = ("", nil) }
            pending = (text.pathComponents + pending)[...]
        }
        let real = walked.isEmpty ? "/" : walked
        if let last { return HostPath(real: real, identity: last, links: links, left: left) }
        return HostPath(real: real, identity: try FileIdentity.of(path: real, followingLink: false), links: links, left: left)
    }

    package static func readLink(_ path: String) throws(SystemError) -> String {
        let limit = Int(PATH_MAX)
        var failure: Int32 = 0
        let text = withUnsafeTemporaryAllocation(byteCount: limit, alignment: 1) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            let length = readlink(path, start, limit)
            if length < 0 { failure = errno }
            return String(decoding: buffer[..<max(0, length)], as: UTF8.self)
        }
        if failure != 0 { throw SystemError(errno: failure, operation: "readlink", object: path) }
        return text
    }
}

/// Paths compare byte by byte, as the kernel compares them. Swift's own comparison of strings calls canonically equivalent
/// texts equal, and a slash followed by a combining mark is no slash to it.
extension String {
    func isSamePath(as other: String) -> Bool { utf8.count == other.utf8.count && hasBytes(of: other) }

    /// Whether it begins with these bytes. Whole paths are compared at every launch: as collections that takes ten times as long.
    private func hasBytes(of other: String) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { theirs in
                guard mine.count >= theirs.count else { return false }
                guard let left = mine.baseAddress, let right = theirs.baseAddress else { return theirs.isEmpty }
                return memcmp(left, right, theirs.count) == 0
            }
        }
        if let fast = fast ?? nil { return fast }
        return utf8.starts(with: other.utf8)
    }

    /// Byte order: a directory comes before what is in it.
    func precedesAsPath(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

    /// Whether the path is `directory` itself or lies below it.
    func isAtOrBelow(_ directory: String) -> Bool {
        if directory.utf8.count == 1 { return true } // the root
        let count = directory.utf8.count
        guard utf8.count >= count, hasBytes(of: directory) else { return false }
        return utf8.count == count || utf8[utf8.index(utf8.startIndex, offsetBy: count)] == UInt8(ascii: "/")
    }

    var parentPath: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")), slash != startIndex else { return "/" }
        return String(decoding: utf8[..<slash], as: UTF8.self)
    }

    var lastPathComponent: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return self }
        return String(decoding: utf8[utf8.index(after: slash)...], as: UTF8.self)
    }

    /// ASCII letters in lower case, every other byte as it is.
    var foldingASCIICase: String {
        String(decoding: utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Absolute, and each component a name: no `.`, no `..`, no slash too many.
    var isPlainAbsolutePath: Bool {
        let slash = UInt8(ascii: "/")
        guard utf8.first == slash, utf8.count > 1 else { return false }
        var length = 0
        var dots = 0
        for byte in utf8.dropFirst() {
            if byte == slash {
                if length == 0 || (dots == length && length <= 2) { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return length > 0 && !(dots == length && length <= 2)
    }

    /// Components between slashes, empty ones left out.
    var pathComponents: [String] {
        utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    }
}
