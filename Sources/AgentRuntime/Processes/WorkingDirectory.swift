package import LibOSModel

/// A directory as a process names it: relative to the workspace, and never outside of it.
package enum WorkingDirectory {
    /// The clean form of a path: `.`, or components joined by slashes. `..` goes up one component; going above the workspace,
    /// absolute paths of either kind and control characters are refused.
    package static func clean(_ path: String) throws(LibOSError) -> String {
        // By bytes: with a mark that combines, neither separator is a character of its own.
        let slashed = String(decoding: path.utf8.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
        if slashed.utf8.first == UInt8(ascii: "/") || hasDriveLetter(slashed) {
            throw LibOSError(.process, "the working directory `\(path)` is absolute", mend: "name it relative to the workspace")
        }
        guard slashed.utf8.count <= 4096, slashed.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw LibOSError(.process, "the working directory is too long or holds a control character", mend: "name a plain path")
        }
        var components: [String] = []
        for component in slashed.utf8.split(separator: UInt8(ascii: "/")) {
            let name = String(decoding: component, as: UTF8.self)
            switch name {
            case ".": continue
            case "..":
                guard components.popLast() != nil else {
                    throw LibOSError(.process, "the working directory `\(path)` leads out of the workspace", mend: "stay inside it")
                }
            default: components.append(name)
            }
        }
        return components.isEmpty ? "." : components.joined(separator: "/")
    }

    /// A path as seen from a working directory, cleaned.
    package static func clean(_ path: String, from directory: String) throws(LibOSError) -> String {
        let isAbsolute = path.utf8.first == UInt8(ascii: "/") || path.utf8.first == UInt8(ascii: "\\") || hasDriveLetter(path)
        return try clean(isAbsolute || directory == "." ? path : directory + "/" + path)
    }

    private static func hasDriveLetter(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(2))
        guard bytes.count == 2, bytes[1] == UInt8(ascii: ":") else { return false }
        return (0x41...0x5A).contains(bytes[0] & 0xDF)
    }
}
