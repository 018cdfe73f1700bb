internal import Glibc

/// Paths as bytes. The tool chooses how long they are and how often they come, so the C library does the looking.
enum PathBytes {
    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    static func isAtOrBelow(_ path: UnsafeRawBufferPointer, _ directory: [UInt8], ignoringCase: Bool = false) -> Bool {
        if directory.count == 1 { return true } // the root
        guard path.count >= directory.count, let base = path.baseAddress else { return false }
        let isSame = directory.withUnsafeBytes { other -> Bool in
            guard let other = other.baseAddress else { return true }
            guard ignoringCase else { return memcmp(base, other, directory.count) == 0 }
            let (mine, its) = (base.assumingMemoryBound(to: CChar.self), other.assumingMemoryBound(to: CChar.self))
            return strncasecmp(mine, its, directory.count) == 0
        }
        return isSame && (path.count == directory.count || path[directory.count] == slash)
    }

    /// Whether a path has one of the parts.
    /// - Parameter parts: each with the slash before it.
    static func hasPart(_ path: [UInt8], _ parts: [[UInt8]]) -> Bool {
        (path + [0]).withUnsafeBytes { ended in parts.contains { hasPart(ended, $0) } }
    }

    private static func hasPart(_ path: UnsafeRawBufferPointer, _ part: [UInt8]) -> Bool {
        var start = 0
        while let found = find(part, in: path, from: start) {
            let end = found + part.count
            if path[end] == 0 || path[end] == slash { return true }
            start = end
        }
        return false
    }

    /// Whether an absolute path has neither `.` nor `..` nor empty parts nor a slash at its end.
    static func isPlain(_ path: [UInt8]) -> Bool {
        guard path.first == slash, path.count > 1, path.last != slash else { return false }
        let hasEmpty = (path + [0]).withUnsafeBytes { find([slash, slash], in: $0, from: 0) != nil }
        return !hasEmpty && !hasPart(path, [Array("/.".utf8), Array("/..".utf8)])
    }

    /// An absolute path without `.`, `..` and empty parts, as its letters say.
    static func plain(_ path: [UInt8]) -> [UInt8] {
        path.withUnsafeBytes { path -> [UInt8] in
            guard let source = path.baseAddress else { return [slash] }
            return Array(unsafeUninitializedCapacity: path.count + 1) { buffer, length in
                guard let target = buffer.baseAddress else { return }
                var start = 0
                while start < path.count {
                    let rest = path.count - start
                    let end = memchr(source + start, Int32(slash), rest).map { UnsafeRawPointer($0) - source } ?? path.count
                    let count = end - start
                    let isParent = count == 2 && path[start] == dot && path[start + 1] == dot
                    if isParent {
                        repeat { length = max(0, length - 1) } while length > 0 && target[length] != slash
                    } else if count > 0, count > 1 || path[start] != dot {
                        target[length] = slash
                        memcpy(target + length + 1, source + start, count)
                        length += 1 + count
                    }
                    start = end + 1
                }
                guard length == 0 else { return }
                target[0] = slash
                length = 1
            }
        }
    }

    /// - Parameter path: with a zero behind it.
    private static func find(_ bytes: [UInt8], in path: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < path.count, let base = path.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
        return (bytes + [0]).withUnsafeBytes { bytes -> Int? in
            guard let needle = bytes.baseAddress?.assumingMemoryBound(to: CChar.self), let found = strstr(base + start, needle)
            else { return nil }
            return UnsafePointer(found) - base
        }
    }
}
