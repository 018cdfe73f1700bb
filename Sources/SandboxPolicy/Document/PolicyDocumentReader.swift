internal import CapabilityLanguage
internal import StrictJSON

extension PolicyDocument {
    /// Reads and checks one policy file by itself.
    package static func read(_ bytes: [UInt8], fileName: String) throws(PolicyError) -> PolicyDocument {
        let root = try DocumentReader.read(bytes, fileName: fileName)
        var reader = PolicyDocumentReader(fileName: fileName, root: root)
        return try reader.read()
    }
}

private struct PolicyDocumentReader {
    let root: DocumentNode
    var fields: FieldReader
    var document: PolicyDocument

    init(fileName: String, root: DocumentNode) {
        self.root = root
        fields = FieldReader(fileName: fileName)
        document = PolicyDocument(
            fileName: fileName, name: "", description: nil, extends: nil, isRootPreset: false, rootPresetPosition: root.position, rules: [],
            limits: [:], pass: [], set: [], syscallBase: nil, syscallDeny: [], syscallAllow: [], waive: nil, askChannel: nil, sessions: nil,
            examples: [])
    }

    mutating func read() throws(PolicyError) -> PolicyDocument {
        let entries = fields.mapping(root, of: "a policy", keys: PolicyKeys.document)
        try fields.finish()
        // Rules quote the policy's name, so it is read first.
        for required in ["version", "name"] where !entries.contains(where: { $0.key == required }) {
            fields.report(root.position, "`\(required)` is missing", required == "version" ? "begin with `version: 1`" : "add `name: …`")
        }
        for entry in entries where entry.key == "name" { document.name = readName(entry.value, "name") ?? "" }
        for entry in entries { readEntry(entry) }
        try fields.finish()
        return document
    }

    private mutating func readEntry(_ entry: DocumentEntry) {
        let node = entry.value
        switch entry.key {
        case "$schema": _ = fields.text(node, of: "$schema")
        case "version":
            if let text = fields.text(node, of: "version"), text != String(PolicyKeys.version) || isQuoted(node) {
                fields.report(node.position, "version `\(text)` is not known", "write `version: \(PolicyKeys.version)`")
            }
        case "description": document.description = fields.text(node, of: "description")
        case "extends":
            if let name = readName(node, "extends") { document.extends = Located(name, at: node.position) }
        case "root_preset":
            document.isRootPreset = fields.boolean(node, of: "root_preset") ?? false
            document.rootPresetPosition = entry.keyPosition
        case "capabilities":
            for item in fields.items(node, of: "capabilities", most: PolicyKeys.mostRules) { readRule(item) }
        case "limits": readLimits(node)
        case "environment": readEnvironment(node)
        case "syscalls": readSyscalls(node)
        case "waive": readWaive(node)
        case "ask": readAsk(node)
        case "sessions": document.sessions = fields.sessions(entry)
        case "examples": readExamples(node)
        default: break
        }
    }

    private func isQuoted(_ node: DocumentNode) -> Bool {
        if case .scalar(let scalar) = node.content { return scalar.style == .text }
        return false
    }

    private mutating func readName(_ node: DocumentNode, _ key: String) -> String? {
        guard let text = fields.text(node, of: key) else { return nil }
        let isGood =
            text.utf8.count <= 64 && text.utf8.first != UInt8(ascii: "-") && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-_.".utf8.contains($0) }
        if isGood { return text }
        fields.report(node.position, "`\(text)` is no policy name", "use a-z, 0-9, `-`, `_` and `.`, at most 64, a letter or digit first")
        return nil
    }

    // MARK: capabilities

    private mutating func readRule(_ node: DocumentNode) {
        let entries = fields.mapping(node, of: "a capability", keys: PolicyKeys.rule)
        // What an unknown key was meant to say is missing, so nothing more can be said about this rule.
        if entries.contains(where: { !PolicyKeys.rule.contains($0.key) }) { return }
        let effects = entries.filter { Effect(rawValue: $0.key) != nil }
        guard let effectEntry = effects.first, let effect = Effect(rawValue: effectEntry.key) else {
            if case .mapping = node.content {
                fields.report(node.position, "the rule does not say allow, ask or deny", "write {allow: \"kind:body\", rights: […]}")
            }
            return
        }
        if effects.count > 1 {
            fields.report(effects[1].keyPosition, "the rule says both \(effect.rawValue) and \(effects[1].key)", "write two rules")
        }
        var rightNames: [Located<String>]?
        var because: String?
        var isOptional: Located<Bool>?
        var tests: [(expected: Bool, text: Located<String>)] = []
        for entry in entries {
            switch entry.key {
            case "rights": rightNames = fields.texts(entry.value, of: "rights")
            case "because": because = fields.text(entry.value, of: "because")
            case "optional": isOptional = fields.boolean(entry.value, of: "optional").map { Located($0, at: entry.keyPosition) }
            case "match": tests += fields.texts(entry.value, of: "match").map { (true, $0) }
            case "not_match": tests += fields.texts(entry.value, of: "not_match").map { (false, $0) }
            default: break
            }
        }
        guard let text = fields.text(effectEntry.value, of: effect.rawValue),
            let resource = fields.attempt(effectEntry.value.position, { () throws(ResourceProblem) in try Resource.parse(text) })
        else { return }
        let rightsPosition = entries.first { $0.key == "rights" }?.value.position ?? node.position
        guard
            let rights = fields.attempt(
                rightsPosition,
                { () throws(ResourceProblem) in
                    try PolicyRule.rights(named: rightNames?.map(\.value), effect: effect, resource: resource)
                })
        else { return }
        if let isOptional, isOptional.value, effect != .allow || resource.kind != .filesystem && resource.kind != .device {
            fields.report(isOptional.position, "only an allowed path can be optional", "remove `optional`")
        }
        if let problem = PolicyRule.widthProblem(effect, resource) {
            fields.report(effectEntry.value.position, problem.message, problem.mend)
        }
        let reference = RuleReference(
            policy: document.name, file: fields.fileName, line: effectEntry.keyPosition.line,
            text: PolicyRule.text(effect, resource, rights), because: because)
        let rule = PolicyRule(
            effect: effect, resource: resource, rights: rights, optional: isOptional?.value ?? false, reference: reference,
            column: effectEntry.keyPosition.column)
        for test in tests { check(test.text, expected: test.expected, rule: rule) }
        document.rules.append(rule)
    }

    /// `match` and `not_match` are tests of the rule, not part of it.
    private mutating func check(_ test: Located<String>, expected: Bool, rule: PolicyRule) {
        guard let covered = fields.attempt(test.position, { () throws(ResourceProblem) in try RuleTest.covers(rule.resource, test.value) })
        else { return }
        if covered == expected { return }
        let hint = rule.resource.kind == .shell ? "; a shell rule covers every command line of its program" : ""
        if expected {
            fields.report(test.position, "the rule does not match `\(test.value)`", "mend the resource or the test" + hint)
        } else {
            fields.report(test.position, "the rule matches `\(test.value)`", "mend the resource or the test" + hint)
        }
    }

    // MARK: the other sections

    private mutating func readLimits(_ node: DocumentNode) {
        for entry in fields.mapping(node, of: "limits", keys: PolicyKeys.limits) {
            guard let name = LimitName(rawValue: entry.key), let text = fields.text(entry.value, of: entry.key) else { continue }
            do {
                document.limits[name] = Located(try name.parse(text), at: entry.keyPosition)
            } catch {
                fields.report(entry.value.position, "`\(name.rawValue)`: \(error.message)", error.mend)
            }
        }
    }

    private mutating func readEnvironment(_ node: DocumentNode) {
        for entry in fields.mapping(node, of: "environment", keys: PolicyKeys.environment) {
            switch entry.key {
            case "pass":
                for name in fields.texts(entry.value, of: "pass") where checkVariable(name.value, name.position) {
                    if let reason = DangerousVariable.reason(name.value) {
                        fields.report(name.position, "`\(name.value)` is never passed: \(reason)", "give it a fixed value with `set`")
                    }
                    document.pass.append(name)
                }
            case "set":
                guard case .mapping(let pairs) = entry.value.content else {
                    fields.report(entry.value.position, "`set` is \(entry.value.kindName), not a mapping", "write {NAME: value}")
                    continue
                }
                if pairs.count > PolicyKeys.mostNames {
                    fields.report(entry.value.position, "`set` has \(pairs.count) names", "\(PolicyKeys.mostNames) are allowed")
                    continue
                }
                for pair in pairs where checkVariable(pair.key, pair.keyPosition) {
                    guard let value = fields.text(pair.value, of: pair.key, mayBeEmpty: true) else { continue }
                    if value.utf8.contains(0) {
                        fields.report(pair.value.position, "the value of `\(pair.key)` holds a NUL", "remove it")
                    } else {
                        document.set.append(Located(.init(name: pair.key, value: value), at: pair.keyPosition))
                    }
                }
            default: break
            }
        }
    }

    private mutating func checkVariable(_ name: String, _ position: SourcePosition) -> Bool {
        if Resource.isEnvironmentName(name) { return true }
        fields.report(position, "`\(name)` is no variable name", "use letters, digits and `_`; patterns are not accepted")
        return false
    }

    private mutating func readSyscalls(_ node: DocumentNode) {
        for entry in fields.mapping(node, of: "syscalls", keys: PolicyKeys.syscalls) {
            switch entry.key {
            case "base":
                guard let base = fields.text(entry.value, of: "base") else { continue }
                if PolicyKeys.syscallBases.contains(base) {
                    document.syscallBase = Located(base, at: entry.keyPosition)
                } else {
                    fields.report(
                        entry.value.position, "`\(base)` is not a base", NearestWord.mend(for: base, among: PolicyKeys.syscallBases))
                }
            case "deny", "allow":
                for name in fields.texts(entry.value, of: entry.key) {
                    guard Resource.isSyscallName(name.value) else {
                        fields.report(
                            name.position, "`\(name.value)` is no system call", "write a name such as `ptrace`, or a group: `@debug`")
                        continue
                    }
                    if entry.key == "deny" { document.syscallDeny.append(name) } else { document.syscallAllow.append(name) }
                }
            default: break
            }
        }
    }

    private mutating func readWaive(_ node: DocumentNode) {
        let waivable = Protection.allCases.filter(\.isWaivable).map(\.rawValue)
        var result: [Located<Protection>] = []
        for name in fields.texts(node, of: "waive") {
            guard let protection = Protection(rawValue: name.value) else {
                fields.report(name.position, "`\(name.value)` is not a protection", NearestWord.mend(for: name.value, among: waivable))
                continue
            }
            if protection.isWaivable {
                result.append(Located(protection, at: name.position))
            } else {
                fields.report(name.position, "`\(name.value)` can not be waived", "these can: " + waivable.joined(separator: ", "))
            }
        }
        document.waive = result
    }

    private mutating func readAsk(_ node: DocumentNode) {
        for entry in fields.mapping(node, of: "ask", keys: PolicyKeys.ask) {
            guard let word = fields.text(entry.value, of: entry.key) else { continue }
            let known = AskChannel.allCases.map(\.rawValue)
            if let channel = AskChannel(rawValue: word) {
                document.askChannel = Located(channel, at: entry.keyPosition)
            } else {
                fields.report(entry.value.position, "`\(word)` is not a channel", NearestWord.mend(for: word, among: known))
            }
        }
    }

    private mutating func readExamples(_ node: DocumentNode) {
        for entry in fields.mapping(node, of: "examples", keys: PolicyKeys.examples) {
            guard let effect = Effect(rawValue: entry.key) else { continue }
            for text in fields.texts(entry.value, of: entry.key) {
                guard let action = fields.attempt(text.position, { () throws(ResourceProblem) in try PolicyAction.parse(text.value) })
                else { continue }
                document.examples.append(PolicyExample(effect: effect, action: action, position: text.position))
            }
        }
    }
}
