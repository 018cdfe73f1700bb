internal import LinuxPrimitives
package import SandboxPolicy

/// Policies for tests: shipped ones by name, and ones written in the test. Each also grants sandbox-probe itself.
package enum TestPolicies {
    /// The probe, and the libraries that it was linked with.
    private static let probeGrants =
        ["filesystem:host:\(Products.probe)=read,execute"]
        + (Products.runtimeDirectory.map { ["filesystem:host:\($0)=read,execute"] } ?? [])

    package static func shipped(
        _ name: String, allow: [String] = [], deny: [String] = [], limits: [LimitName: UInt64] = [:]
    ) throws -> ResolvedPolicy {
        let (bytes, file) = try read(name)
        return try PolicyLoader.load(bytes, fileName: file, loadParent: read)
            .adding(PolicyOverrides(allow: probeGrants + allow, deny: deny, limits: limits))
    }

    /// `rules` are lines of `capabilities:` as a policy writes them, over `parent`; `more` is further top-level YAML.
    package static func inline(
        parent: String = "runtime", _ rules: [String], more: String = "", limits: [LimitName: UInt64] = [:]
    ) throws -> ResolvedPolicy {
        var text = "version: 1\nname: inline\nextends: \(parent)\n"
        if !rules.isEmpty { text += "capabilities:\n" + rules.map { "  - {\($0)}\n" }.joined() }
        text += more
        return try PolicyLoader.load(Array(text.utf8), fileName: "inline.yaml", loadParent: read)
            .adding(PolicyOverrides(allow: probeGrants, limits: limits))
    }

    private static func read(_ name: String) throws -> (bytes: [UInt8], fileName: String) {
        let file = "\(Products.policies)/\(name).yaml"
        return (try SmallFile.read(file), "\(name).yaml")
    }
}
