/// Reads a confinement template. Every index, length, right and name is checked; what does not fit throws, and nothing is repaired.
struct ConfinementDecoder {
    private var reader: ByteReader
    private var texts: [String] = []
    private var rules: [RuleReference] = []

    static func decode(_ bytes: [UInt8]) throws(MalformedBytes) -> ConfinementTemplate {
        var decoder = ConfinementDecoder(reader: ByteReader(bytes))
        try decoder.readTables()
        let template = try decoder.template()
        guard decoder.reader.isAtEnd else { throw MalformedBytes() }
        return template
    }

    private init(reader: ByteReader) { self.reader = reader }

    private mutating func readTables() throws(MalformedBytes) {
        let textCount = try reader.count()
        texts.reserveCapacity(textCount)
        for _ in 0..<textCount { texts.append(try reader.text()) }
        let ruleCount = try reader.count()
        rules.reserveCapacity(ruleCount)
        for _ in 0..<ruleCount {
            let policy = try text()
            let file = try text()
            let line = try reader.index(below: 1 << 24)
            let wording = try text()
            let because = try reader.flag() ? try text() : nil
            rules.append(RuleReference(policy: policy, file: file, line: line, text: wording, because: because))
        }
    }

    private mutating func template() throws(MalformedBytes) -> ConfinementTemplate {
        var devices: [DeviceGrant] = []
        for _ in 0..<(try reader.count()) { devices.append(DeviceGrant(path: try text(), rights: try rights(), rule: try rule())) }
        var network = NetworkConfinement(loopback: try optionalRule())
        network.connect = try endpoints()
        network.listen = try endpoints()
        network.denial = try optionalRule()
        let maySpawn = try reader.flag()
        let spawnDenial = try optionalRule()
        let readsProcesses = try optionalRule()
        let syscalls = SyscallRules(base: try text(), deny: try words(), allow: try words())
        var limits = Limits.standard
        for name in LimitName.allCases { limits[name] = try reader.number() }
        var environment = EnvironmentRules(pass: try words())
        for _ in 0..<(try reader.count()) {
            let name = try text()
            environment.set[name] = try text()
        }
        var waived: Set<Protection> = []
        for word in try words() {
            guard let protection = Protection(rawValue: word), protection.isWaivable else { throw MalformedBytes() }
            waived.insert(protection)
        }
        let common = Confinement(
            workspace: nil, grants: [], denials: [], devices: devices, network: network, maySpawn: maySpawn,
            spawnDenial: spawnDenial, readsProcesses: readsProcesses, syscalls: syscalls, limits: limits, environment: environment,
            waived: waived)
        return ConfinementTemplate(
            common: common, hostPlaces: try words(), deniesInWorkspace: try reader.flag(), withoutWorkspace: try paths(),
            writable: try paths(), readOnly: try paths())
    }

    private mutating func paths() throws(MalformedBytes) -> ConfinementTemplate.Paths {
        ConfinementTemplate.Paths(
            hostGrants: try grants(), workspaceGrants: try grants(), hostDenials: try denials(), workspaceDenials: try denials(),
            hostStanding: try denials(), workspaceStanding: try denials())
    }

    private mutating func grants() throws(MalformedBytes) -> [PathGrant] {
        let count = try reader.count()
        var grants: [PathGrant] = []
        grants.reserveCapacity(count)
        for _ in 0..<count {
            grants.append(
                PathGrant(
                    path: try text(), rights: try rights(), subtree: try reader.flag(), isWorkspace: try reader.flag(),
                    optional: try reader.flag(), rule: try rule()))
        }
        return grants
    }

    private mutating func denials() throws(MalformedBytes) -> [PathDenial] {
        let count = try reader.count()
        var denials: [PathDenial] = []
        denials.reserveCapacity(count)
        for _ in 0..<count {
            let path = try text()
            let rights = try rights()
            denials.append(PathDenial(path: path, subtree: try reader.flag(), rights: rights, rule: try rule()))
        }
        return denials
    }

    private mutating func endpoints() throws(MalformedBytes) -> [NetworkEndpoint] {
        var endpoints: [NetworkEndpoint] = []
        for _ in 0..<(try reader.count()) {
            let host = try text()
            let port = try reader.index(below: 1 << 16)
            endpoints.append(NetworkEndpoint(host: host, port: port == 0 ? nil : UInt16(port), rule: try rule()))
        }
        return endpoints
    }

    private mutating func words() throws(MalformedBytes) -> [String] {
        var words: [String] = []
        for _ in 0..<(try reader.count()) { words.append(try text()) }
        return words
    }

    private mutating func rights() throws(MalformedBytes) -> FileRights {
        FileRights(rawValue: UInt8(try reader.index(below: Int(FileRights.all.rawValue) + 1)))
    }

    private mutating func text() throws(MalformedBytes) -> String { texts[try reader.index(below: texts.count)] }

    private mutating func rule() throws(MalformedBytes) -> RuleReference { rules[try reader.index(below: rules.count)] }

    private mutating func optionalRule() throws(MalformedBytes) -> RuleReference? { try reader.flag() ? try rule() : nil }
}

extension ConfinementTemplate {
    package init(encoded bytes: [UInt8]) throws(MalformedBytes) { self = try ConfinementDecoder.decode(bytes) }
}
