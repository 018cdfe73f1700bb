package import CapabilityLanguage

/// Where the programs that `shell` resources name lie inside a sandbox.
extension ResolvedPolicy {
    /// The files that a `shell` resource may mean under this policy, as absolute paths in parts. None for `shell:*`.
    package func programPaths(_ resource: Resource) -> [[ResourcePart]] {
        Self.programPaths(resource, search: environment.set["PATH"] ?? EnvironmentRules.defaultPath)
    }

    /// The file of an absolute resource; a bare name in each of the directories.
    static func programPaths(_ resource: Resource, search: String) -> [[ResourcePart]] {
        guard let name = resource.parts.first else { return [] }
        if resource.extent == .exact, let path = resource.parts.last { return [parts(path.text.utf8[...])] }
        return search.utf8.split(separator: UInt8(ascii: ":")).map { parts($0) + [name] }
    }

    private static func parts(_ path: Substring.UTF8View) -> [ResourcePart] {
        path.split(separator: UInt8(ascii: "/")).map { ResourcePart(String(decoding: $0, as: UTF8.self)) }
    }
}
