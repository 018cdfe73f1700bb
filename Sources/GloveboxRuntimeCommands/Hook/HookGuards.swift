internal import CapabilityLanguage
internal import SandboxPolicy

/// The names that a policy denies or asks about, as paths of the host, where each was written and where it leads.
///
/// Letter case does not count, as in the sandbox: on a file system that folds it `.ENV` is `.env`.
struct HookGuards: Sendable {
    struct Name: Sendable {
        let rule: PolicyRule
        /// Real or as written; `/` is empty.
        let path: String
        fileprivate let folded: [UInt8]

        init(rule: PolicyRule, path: String) {
            self.rule = rule
            self.path = path == "/" ? "" : path
            folded = HookGuards.folded(path)
        }

        var reason: String { "\(rule.reference.text) at \(rule.reference.location)" }

        /// Whether the rule itself covers the path, letter for letter.
        func coversExactly(_ path: String) -> Bool { HookGuards.isAtOrBelow(Array(path.utf8), Array(self.path.utf8)) }
    }

    let names: [Name]

    init(policy: ResolvedPolicy, workspace: String) {
        var names: [Name] = []
        let top = workspace == "/" ? "" : workspace
        for rule in policy.rules where rule.effect != .allow && rule.resource.kind == .filesystem {
            let below = rule.resource.parts.dropFirst().map { "/" + $0.text }.joined()
            let isHost = rule.resource.parts.first?.text == "host"
            let path = isHost ? below : top + below
            let name = Name(rule: rule, path: path.isEmpty ? "/" : path)
            names.append(name)
            if !path.isEmpty, let real = try? HookPath.real(path), !real.utf8.elementsEqual(path.utf8) {
                names.append(Name(rule: rule, path: real))
            }
        }
        self.names = names
    }

    /// The strictest rule about the path for any of these rights.
    func covering(_ path: String, _ rights: [CapabilityRight]) -> Name? {
        let path = Self.folded(path)
        return names.filter { Self.isAbout(rights, $0) && Self.isAtOrBelow(path, $0.folded) }.min { $0.rule.effect < $1.rule.effect }
    }

    /// Rules about names below the path: whoever takes the directory takes them too.
    func below(_ path: String, _ rights: [CapabilityRight]) -> [Name] {
        let path = Self.folded(path)
        return names.filter { Self.isAbout(rights, $0) && $0.folded.count > path.count && Self.isAtOrBelow($0.folded, path) }
    }

    private static func isAbout(_ rights: [CapabilityRight], _ name: Name) -> Bool { rights.contains { name.rule.rights.contains($0) } }

    private static func folded(_ path: String) -> [UInt8] {
        path == "/" ? [] : path.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    }

    private static func isAtOrBelow(_ path: [UInt8], _ other: [UInt8]) -> Bool {
        path.starts(with: other) && (path.count == other.count || path[other.count] == UInt8(ascii: "/"))
    }
}
