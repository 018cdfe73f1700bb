internal import CapabilityLanguage
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON

/// Searches: they read everything below a directory, hidden files too.
extension HookDecider {
    /// About names that the policy guards below `path` and that a search for files like `pattern` could come upon.
    func search(below path: String, like pattern: JSONValue?, in directory: String) -> HookAnswer {
        guard let real = try? HookPath.real(path.hasPrefix("/") ? path : directory + "/" + path) else {
            return HookAnswer(.deny, "the directory cannot be told")
        }
        var endings: [[UInt8]]?
        if case .string(let text)? = pattern { endings = HookGlob.endings(text) }
        let found = guards.below(real, [.read]).first { name in
            guard let endings, !Self.isDirectory(name.path) else { return true }
            return endings.contains { HookGlob.ends(name.path, with: $0) }
        }
        return found.map { HookAnswer(.ask, "\($0.reason) is about files in that directory") }
            ?? HookAnswer(.allow, "no guarded file is below")
    }

    /// What cannot be told counts as one: then everything below it is guarded.
    private static func isDirectory(_ path: String) -> Bool {
        do throws(SystemError) {
            return try FileIdentity.of(path: path, followingLink: true).isDirectory
        } catch {
            return error.errno != ENOENT && error.errno != ENOTDIR
        }
    }
}

/// Patterns of names, as far as it can be said what they do not match.
enum HookGlob {
    private static let longest = 256
    private static let most = 16

    /// What every name that the pattern matches ends with; nil when that cannot be told, or a name may end in anything.
    ///
    /// Understood are plain letters, `*`, `/` and one last `{a,b}`: exclusions, classes and lists of patterns are not.
    static func endings(_ pattern: String) -> [[UInt8]]? {
        var bytes = Array(pattern.utf8)
        guard bytes.count <= longest else { return nil }
        var choices: [[UInt8]] = [[]]
        if bytes.last == UInt8(ascii: "}") {
            guard let open = bytes.firstIndex(of: UInt8(ascii: "{")) else { return nil }
            choices = bytes[(open + 1)..<(bytes.count - 1)].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(
                Array.init)
            bytes = Array(bytes[..<open])
        }
        let isPlain = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "_-.".utf8.contains(byte)
        }
        guard choices.count <= most, choices.allSatisfy({ $0.allSatisfy(isPlain) }),
            bytes.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "/") })
        else { return nil }
        let last = Array(bytes.reversed().prefix(while: isPlain).reversed())
        let endings = choices.map { last + $0 }
        return endings.contains { $0.isEmpty } ? nil : endings
    }

    /// Whether the path's last name ends so; letter case does not count.
    static func ends(_ path: String, with ending: [UInt8]) -> Bool {
        let fold = { (byte: UInt8) in (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }
        let name = path.utf8.reversed().prefix { $0 != UInt8(ascii: "/") }
        return name.map(fold).starts(with: ending.reversed().map(fold))
    }
}
