internal import StrictJSON

/// Turns policy files into a resolved policy. Pure: the caller reads files and decides where names are looked up.
package enum PolicyLoader {
    /// Policies in one line of `extends`.
    package static let deepest = 8
    /// Rules after merging: bounds the time of a decision.
    package static let mostRules = 2048

    /// - Parameter loadParent: gives the bytes and the file name of the policy called so; what it throws becomes an error at the
    ///   `extends` line.
    package static func load(
        _ bytes: [UInt8], fileName: String, loadParent: (String) throws -> (bytes: [UInt8], fileName: String)
    ) throws(PolicyError) -> ResolvedPolicy {
        var documents = [try PolicyDocument.read(bytes, fileName: fileName)]
        while let child = documents.last, let extends = child.extends {
            if documents.contains(where: { $0.name == extends.value }) {
                let path = (documents.map(\.name) + [extends.value]).joined(separator: " → ")
                throw PolicyError(
                    file: child.fileName, at: extends.position, message: "`extends` goes in a circle: \(path)",
                    mend: "remove one `extends`")
            }
            if documents.count >= deepest {
                throw PolicyError(
                    file: child.fileName, at: extends.position, message: "more than \(deepest) policies extend one another",
                    mend: "write what is needed into fewer files")
            }
            let parent: (bytes: [UInt8], fileName: String)
            do {
                parent = try loadParent(extends.value)
            } catch {
                let reason = (error as? PolicyError)?.description ?? String(describing: error)
                throw PolicyError(
                    file: child.fileName, at: extends.position, message: "the parent `\(extends.value)` cannot be read: \(reason)",
                    mend: "check its name")
            }
            let document = try PolicyDocument.read(parent.bytes, fileName: parent.fileName)
            if document.name != extends.value {
                throw PolicyError(
                    file: child.fileName, at: extends.position,
                    message: "the file of `\(extends.value)`, \(parent.fileName), names itself `\(document.name)`",
                    mend: "make the two names equal")
            }
            documents.append(document)
        }
        var resolved: ResolvedPolicy?
        for document in documents.reversed() { resolved = try merge(document, onto: resolved) }
        guard let resolved else { throw PolicyError(file: fileName, message: "no policy was read", mend: "name a policy file") }
        return resolved
    }

    /// The document over its parent: rules, variables and system calls add up, limits and `waive` replace. Whatever that
    /// allows beyond a parent that is no root preset is refused.
    static func merge(_ document: PolicyDocument, onto parent: ResolvedPolicy?) throws(PolicyError) -> ResolvedPolicy {
        var result =
            parent
            ?? ResolvedPolicy(
                name: "", description: nil, chain: [], isRootPreset: false, rules: [], limits: .standard,
                statedEnvironment: EnvironmentRules(),
                statedSyscalls: SyscallRules(), waived: [], askChannel: nil, sessions: nil, examples: [], origins: [:])
        func origin(_ position: SourcePosition) -> PolicyOrigin { PolicyOrigin(file: document.fileName, position: position) }
        if document.isRootPreset, let parent, !parent.isRootPreset {
            throw PolicyError(
                file: document.fileName, at: document.rootPresetPosition,
                message: "a root preset lets its children widen, and its parent `\(parent.name)` does not", mend: "remove `root_preset`")
        }
        result.name = document.name
        result.description = document.description
        result.chain.append(PolicyLink(name: document.name, file: document.fileName, isRootPreset: document.isRootPreset))
        result.isRootPreset = document.isRootPreset
        result.rules += document.rules
        if result.rules.count > mostRules {
            throw PolicyError(
                file: document.fileName, line: 1, column: 1, message: "with its parents the policy has \(result.rules.count) rules",
                mend: "\(mostRules) are allowed: name directories instead of files")
        }
        for (name, value) in document.limits {
            result.limits[name] = value.value
            result.origins["limits.\(name.rawValue)"] = origin(value.position)
        }
        for name in document.pass {
            if !result.statedEnvironment.pass.contains(name.value) { result.statedEnvironment.pass.append(name.value) }
            result.origins["environment.pass.\(name.value)"] = origin(name.position)
        }
        for variable in document.set {
            result.statedEnvironment.set[variable.value.name] = variable.value.value
            result.origins["environment.set.\(variable.value.name)"] = origin(variable.position)
        }
        if let base = document.syscallBase {
            result.statedSyscalls.base = base.value
            result.origins["syscalls.base"] = origin(base.position)
        }
        for name in document.syscallDeny {
            if !result.statedSyscalls.deny.contains(name.value) { result.statedSyscalls.deny.append(name.value) }
            result.origins["syscalls.deny.\(name.value)"] = origin(name.position)
        }
        for name in document.syscallAllow {
            if !result.statedSyscalls.allow.contains(name.value) { result.statedSyscalls.allow.append(name.value) }
            result.origins["syscalls.allow.\(name.value)"] = origin(name.position)
        }
        if let waive = document.waive {
            result.waived = Set(waive.map(\.value))
            if let first = waive.first { result.origins["waive"] = origin(first.position) }
        }
        if let channel = document.askChannel {
            // Final, whoever the parent is: a preset lets its children reach more, never answer for people.
            if parent?.askChannel == .local, channel.value != .local {
                throw PolicyError(
                    file: document.fileName, at: channel.position,
                    message: "`ask: {channel: \(channel.value.rawValue)}` widens its parent, where questions are answered locally alone",
                    mend: "remove it: `local` is final")
            }
            result.askChannel = channel.value
            result.origins[ResolvedPolicy.askSetting] = origin(channel.position)
        }
        if let stated = document.sessions {
            result.sessions = try stated.terms(over: parent?.sessions, in: document.fileName)
            for (key, position) in stated.positions { result.origins[ResolvedPolicy.sessionSetting(key)] = origin(position) }
        }
        result.examples = document.examples
        if let parent, !parent.isRootPreset { try refuseWidening(result, over: parent, document: document) }
        return result
    }

    private static func refuseWidening(
        _ result: ResolvedPolicy, over parent: ResolvedPolicy, document: PolicyDocument
    ) throws(PolicyError) {
        var fields = FieldReader(fileName: document.fileName)
        for widening in result.widenings(over: parent) {
            var position = document.extends?.position ?? SourcePosition(line: 1, column: 1)
            if let rule = widening.rule, rule.reference.file == document.fileName {
                position = SourcePosition(line: rule.reference.line, column: rule.column)
            } else if let setting = widening.setting, let origin = result.origins[setting], origin.file == document.fileName {
                position = origin.position
            }
            fields.report(
                position, "widens its parent `\(parent.name)`: \(widening.message)",
                "a child only narrows; extend a root preset instead, or remove it here")
        }
        try fields.finish()
    }
}
