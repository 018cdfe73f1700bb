internal import CapabilityLanguage
internal import StrictJSON

extension ResolvedPolicy {
    /// What this policy asks of the kernel for one run.
    ///
    /// A sealed run has nobody to ask: `ask` counts as deny. A narrower grant below a wider one adds its rights to that subtree;
    /// a deny inside a grant becomes a denial by name; a deny over a whole grant removes it.
    /// - Parameters:
    ///   - workspace: absolute path of the workspace; nil drops every allow of `filesystem:workspace:`.
    ///   - workspaceWritable: false for a workspace that the operator opened read-only: write and delete go, the rest stays.
    ///   - place: without a workspace, the directory that would be one. Nothing of it is granted, and what the policy denies in a
    ///     workspace is denied there, for a host rule may grant it.
    package func confinement(
        workspace: String?, workspaceWritable: Bool, denialsAt place: String? = nil
    ) throws(PolicyError) -> Confinement {
        let environment = environment
        var location: FileDerivation.Place?
        if let path = workspace ?? place {
            location = try .init(path: path, isGranted: workspace != nil, isWritable: workspaceWritable)
        }
        let files = FileDerivation(policy: self, search: environment.set["PATH"], workspace: location)
        let paths = files.derive()
        let spawn = spawnRule
        return Confinement(
            workspace: paths.grants.contains { $0.isWorkspace } ? workspace : nil, grants: paths.grants, denials: paths.denials,
            standingDenials: paths.standing, deniedPrograms: files.deniedPrograms(),
            devices: deviceGrants(), network: try networkConfinement(), maySpawn: spawn?.effect == .allow,
            spawnDenial: spawn.flatMap { $0.effect == .deny ? $0.reference : nil }, readsProcesses: processReadRule?.reference,
            syscalls: syscalls, limits: limits, environment: environment, waived: waived)
    }

    /// The rule that decides whether the tool may create processes.
    var spawnRule: PolicyRule? {
        ruleSet(of: .process).decidingRule(Resource(kind: .process, parts: ["spawn"], extent: .exact), .execute)
    }

    /// The rule that gives all processes of the sandbox to read; one for a single process is no OS right.
    var processReadRule: PolicyRule? {
        let set = ruleSet(of: .process)
        return set.rules.first {
            $0.resource.parts.isEmpty && $0.effect == .allow && $0.rights.contains(.read)
                && set.decidingRule($0.resource, .read)?.effect == .allow
        }
    }

    private func deviceGrants() -> [DeviceGrant] {
        var result: [DeviceGrant] = []
        let set = ruleSet(of: .device)
        for rule in set.rules where rule.effect == .allow {
            let path = "/" + rule.resource.parts.map(\.text).joined(separator: "/")
            if result.contains(where: { $0.path.utf8.elementsEqual(path.utf8) }) { continue }
            let rights = FileRights([.read, .write].filter { set.decidingRule(rule.resource, $0)?.effect == .allow })
            if !rights.isEmpty { result.append(DeviceGrant(path: path, rights: rights, rule: rule.reference)) }
        }
        return result.sorted { utf8Precedes($0.path, $1.path) }
    }

    func networkConfinement() throws(PolicyError) -> NetworkConfinement {
        var result = NetworkConfinement()
        let set = ruleSet(of: .network)
        result.denied = set.rules.filter { isRefusal($0, set) }.compactMap(Self.connectEndpoint)
        let everything = Resource(kind: .network, parts: ["tcp"], extent: .members)
        result.denial = set.rules.first { $0.effect == .deny && $0.resource.covers(everything) }?.reference
        for rule in set.rules where rule.effect == .allow {
            let parts = rule.resource.parts.map(\.text)
            guard let right = rule.rights.first, set.decidingRule(rule.resource, right)?.effect == .allow else { continue }
            // A broker list holds what is allowed; a hole in it cannot be written down, so it stops here instead of being lost.
            if let hole = set.rules.first(where: {
                $0.effect != .allow && $0.resource != rule.resource && rule.resource.covers($0.resource)
            }) {
                throw PolicyError(
                    file: hole.reference.file, line: hole.reference.line, column: hole.column,
                    message: "`\(hole.reference.text)` cuts a hole into `\(rule.reference.text)`, which a sealed run cannot enforce",
                    mend: "allow the ports one by one")
            }
            switch parts.first {
            case "loopback":
                if result.loopback == nil { result.loopback = rule.reference }
            case "tcp":
                guard let endpoint = Self.connectEndpoint(rule) else { continue }
                if !result.connect.contains(where: { $0.host == endpoint.host && $0.port == endpoint.port }) {
                    result.connect.append(endpoint)
                }
            case "listen":
                guard parts.count > 1, let port = UInt16(parts[1]) else { continue }
                if !result.listen.contains(where: { $0.port == port }) {
                    result.listen.append(NetworkEndpoint(host: "", port: port, rule: rule.reference))
                }
            default: continue
            }
        }
        return result
    }

    /// A deny; or an ask, which counts as one where no narrower rule allows.
    private func isRefusal(_ rule: PolicyRule, _ set: RuleSet) -> Bool {
        switch rule.effect {
        case .deny: true
        case .allow: false
        case .ask:
            set.decidingRule(rule.resource, .connect)?.effect == .ask
                && !set.rules.contains { $0.effect == .allow && rule.resource.covers($0.resource) }
        }
    }

    private static func connectEndpoint(_ rule: PolicyRule) -> NetworkEndpoint? {
        let parts = rule.resource.parts.map(\.text)
        guard parts.first == "tcp", parts.count > 1 else { return nil }
        let host = parts[1].hasPrefix("[") ? String(parts[1].dropFirst().dropLast()) : parts[1]
        return NetworkEndpoint(host: host, port: parts.count > 2 ? UInt16(parts[2]) : nil, rule: rule.reference)
    }
}
