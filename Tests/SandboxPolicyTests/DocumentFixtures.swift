import Glibc

@testable import SandboxPolicy

/// Files that the tests of this target read, found from the place of this source file.
enum Fixtures {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
    static let policies = root + "/policies"
    static let valid = root + "/Tests/Fixtures/policies/valid"
    static let invalid = root + "/Tests/Fixtures/policies/invalid"

    struct Unreadable: Error {
        var path: String
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "re") else { throw Unreadable(path: path) }
        defer { fclose(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return result }
            result += buffer[..<count]
        }
    }

    static func names(in directory: String, ending suffix: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw Unreadable(path: directory) }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix) { result.append(name) }
        }
        return result.sorted()
    }

    /// Loads a policy of a directory, with its parents from the same directory.
    static func load(_ name: String, in directory: String = policies) throws -> ResolvedPolicy {
        try PolicyLoader.load(bytes("\(directory)/\(name)"), fileName: name) { parent in
            (try bytes("\(directory)/\(parent).yaml"), "\(parent).yaml")
        }
    }

    /// Loads a policy from text; parents are given by name.
    static func policy(_ text: String, parents: [String: String] = [:]) throws -> ResolvedPolicy {
        try PolicyLoader.load(Array(text.utf8), fileName: "policy.yaml") { name in
            guard let parent = parents[name] else { throw Unreadable(path: name) }
            return (Array(parent.utf8), "\(name).yaml")
        }
    }

    /// A policy `t` with the given rules, one in a line.
    static func rules(_ rules: String..., more: String = "") throws -> ResolvedPolicy {
        try policy("version: 1\nname: t\ncapabilities:\n" + rules.map { "  - {\($0)}\n" }.joined() + more)
    }
}

/// The same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
