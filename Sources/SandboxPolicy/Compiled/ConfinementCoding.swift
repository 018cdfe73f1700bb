/// A confinement template as bytes and back. Texts and rules stand in tables, once each: grants and denials share most of them.
struct ConfinementEncoder {
    private var texts: [String] = []
    /// By bytes: to Swift canonically equivalent texts are equal, to the kernel they are not.
    private var textPlaces: [[UInt8]: Int] = [:]
    /// Places of texts, and a line.
    private var rules: [[Int]] = []
    private var rulePlaces: [[Int]: Int] = [:]
    private var body = ByteWriter()

    static func encode(_ template: ConfinementTemplate) -> [UInt8] {
        var encoder = ConfinementEncoder()
        encoder.append(template)
        var writer = ByteWriter()
        writer.append(count: encoder.texts.count)
        for text in encoder.texts { writer.append(text) }
        writer.append(count: encoder.rules.count)
        for rule in encoder.rules {
            for number in rule[..<4] { writer.append(count: number) }
            writer.append(rule.count > 4)
            for because in rule[4...] { writer.append(count: because) }
        }
        return writer.bytes + encoder.body.bytes
    }

    private mutating func append(_ template: ConfinementTemplate) {
        let common = template.common
        append(common.devices) { $0.append(device: $1) }
        append(common.network)
        body.append(common.maySpawn)
        append(common.spawnDenial)
        append(common.readsProcesses)
        append(text: common.syscalls.base)
        append(common.syscalls.deny) { $0.append(text: $1) }
        append(common.syscalls.allow) { $0.append(text: $1) }
        for name in LimitName.allCases { body.append(common.limits[name]) }
        append(common.environment.pass) { $0.append(text: $1) }
        append(common.environment.set.sorted { $0.key < $1.key }) { encoder, variable in
            encoder.append(text: variable.key)
            encoder.append(text: variable.value)
        }
        append(common.waived.sorted()) { $0.append(text: $1.rawValue) }
        append(template.hostPlaces) { $0.append(text: $1) }
        body.append(template.deniesInWorkspace)
        for paths in [template.withoutWorkspace, template.writable, template.readOnly] {
            append(paths.hostGrants) { $0.append(grant: $1) }
            append(paths.workspaceGrants) { $0.append(grant: $1) }
            append(paths.hostDenials) { $0.append(denial: $1) }
            append(paths.workspaceDenials) { $0.append(denial: $1) }
            append(paths.hostStanding) { $0.append(denial: $1) }
            append(paths.workspaceStanding) { $0.append(denial: $1) }
        }
    }

    private mutating func append(_ network: NetworkConfinement) {
        append(network.loopback)
        append(network.connect) { $0.append(endpoint: $1) }
        append(network.listen) { $0.append(endpoint: $1) }
        append(network.denial)
    }

    private mutating func append(endpoint: NetworkEndpoint) {
        append(text: endpoint.host)
        body.append(count: Int(endpoint.port ?? 0))
        append(rule: endpoint.rule)
    }

    private mutating func append(device: DeviceGrant) {
        append(text: device.path)
        body.append(count: Int(device.rights.rawValue))
        append(rule: device.rule)
    }

    private mutating func append(grant: PathGrant) {
        append(text: grant.path)
        body.append(count: Int(grant.rights.rawValue))
        body.append(grant.subtree)
        body.append(grant.isWorkspace)
        body.append(grant.optional)
        append(rule: grant.rule)
    }

    private mutating func append(denial: PathDenial) {
        append(text: denial.path)
        body.append(count: Int(denial.rights.rawValue))
        body.append(denial.subtree)
        append(rule: denial.rule)
    }

    private mutating func append(_ rule: RuleReference?) {
        body.append(rule != nil)
        if let rule { append(rule: rule) }
    }

    private mutating func append<Element>(_ elements: [Element], _ each: (inout ConfinementEncoder, Element) -> Void) {
        body.append(count: elements.count)
        for element in elements { each(&self, element) }
    }

    private mutating func append(text: String) { body.append(count: place(text)) }

    private mutating func place(_ text: String) -> Int {
        let key = Array(text.utf8)
        if let known = textPlaces[key] { return known }
        texts.append(text)
        textPlaces[key] = texts.count - 1
        return texts.count - 1
    }

    private mutating func append(rule: RuleReference) {
        var key = [place(rule.policy), place(rule.file), rule.line, place(rule.text)]
        if let because = rule.because { key.append(place(because)) }
        if let known = rulePlaces[key] { return body.append(count: known) }
        rules.append(key)
        rulePlaces[key] = rules.count - 1
        body.append(count: rules.count - 1)
    }
}

extension ConfinementTemplate {
    package var encoded: [UInt8] { ConfinementEncoder.encode(self) }
}
