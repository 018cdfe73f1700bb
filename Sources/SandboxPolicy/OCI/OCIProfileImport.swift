internal import CapabilityLanguage
package import StrictJSON

/// Reads seccomp profiles in Docker's form (`archMap`, `includes`, `excludes`) and in the form of the OCI runtime specification
/// (`architectures`).
///
/// Foreign architectures that a profile lists are not opened: a filter of ours kills them, which is stricter. Everything else
/// that cannot be honoured is an error with its path, never a warning. What is read has every condition of the profile; whoever
/// writes it down in a form without arguments has to deny what would become wider.
package enum OCIProfile {
    package static func read(_ profile: JSONValue, context: OCIImportContext) throws(OCIProfileError) -> OCIImport {
        let reader = OCIReader(context: context)
        return try reader.read(profile)
    }
}

private struct OCIReader {
    let context: OCIImportContext

    func read(_ profile: JSONValue) throws(OCIProfileError) -> OCIImport {
        try checkKeys(
            profile, at: "", known: ["defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "syscalls", "flags"])
        try checkFlags(profile["flags"])
        try checkArchitectures(profile)
        let defaultAction = try action(profile["defaultAction"], number: profile["defaultErrnoRet"], at: "defaultAction")
        var rules: [SyscallRule] = []
        var ignored: [String] = []
        for (index, entry) in try list(profile["syscalls"], at: "syscalls").enumerated() {
            let path = "syscalls[\(index)]"
            try readEntry(entry, at: path, defaultAction: defaultAction, into: &rules, ignored: &ignored)
        }
        let specification = FilterSpecification(rules: try merged(rules), defaultAction: defaultAction)
        return OCIImport(specification: specification, ignoredNames: ignored)
    }

    // MARK: head

    private func checkFlags(_ flags: JSONValue?) throws(OCIProfileError) {
        for (index, _) in try list(flags, at: "flags").enumerated() {
            throw OCIProfileError(path: "flags[\(index)]", message: "filter flags cannot be chosen; remove it")
        }
    }

    private func checkArchitectures(_ profile: JSONValue) throws(OCIProfileError) {
        let native = "SCMP_ARCH_X86_64"
        if let architectures = profile["architectures"] {
            let names = try strings(architectures, at: "architectures")
            guard names.isEmpty || names.contains(native) else {
                throw OCIProfileError(path: "architectures", message: "\(native) is not listed, so the profile is for other machines")
            }
        }
        guard let map = profile["archMap"] else { return }
        if profile["architectures"] != nil { throw OCIProfileError(path: "archMap", message: "there are `architectures` already") }
        var found = false
        for (index, entry) in try list(map, at: "archMap").enumerated() {
            let path = "archMap[\(index)]"
            try checkKeys(entry, at: path, known: ["architecture", "subArchitectures"])
            found = try string(entry["architecture"], at: path + ".architecture") == native || found
        }
        if !found { throw OCIProfileError(path: "archMap", message: "\(native) is not listed, so the profile is for other machines") }
    }

    // MARK: one entry

    private func readEntry(
        _ entry: JSONValue, at path: String, defaultAction: FilterAction, into rules: inout [SyscallRule], ignored: inout [String]
    ) throws(OCIProfileError) {
        try checkKeys(entry, at: path, known: ["name", "names", "action", "errnoRet", "errno", "args", "includes", "excludes", "comment"])
        let names = try entryNames(entry, at: path)
        let action = try action(entry["action"], number: entry["errnoRet"], at: path + ".action")
        let alternatives = try conditions(entry["args"], at: path + ".args")
        guard try applies(entry, at: path) else { return }
        for (index, name) in names.enumerated() {
            guard let number = SyscallTable.number(of: name) else {
                // Nothing is lost by not allowing it; a refusal that vanishes would widen the filter.
                guard action == .allow || defaultAction != .allow else {
                    throw OCIProfileError(path: "\(path).names[\(index)]", message: "`\(name)` is no system call of x86-64")
                }
                ignored.append(name)
                continue
            }
            for conditions in alternatives {
                rules.append(SyscallRule(name: name, number: number, conditions: conditions, action: action, group: path))
            }
        }
    }

    private func entryNames(_ entry: JSONValue, at path: String) throws(OCIProfileError) -> [String] {
        switch (entry["name"], entry["names"]) {
        case (.some(let name), nil): return [try string(name, at: path + ".name")]
        case (nil, .some(let names)):
            let result = try strings(names, at: path + ".names")
            if result.isEmpty { throw OCIProfileError(path: path + ".names", message: "no call is named") }
            return result
        case (nil, nil): throw OCIProfileError(path: path, message: "`names` is missing")
        case (.some, .some): throw OCIProfileError(path: path, message: "`name` and `names` exclude each other")
        }
    }

    /// The alternatives of an entry. Conditions on different arguments must all hold; when an argument is named twice every
    /// condition is an alternative of its own, as OCI runtimes read it.
    private func conditions(_ args: JSONValue?, at path: String) throws(OCIProfileError) -> [[ArgumentCondition]] {
        var result: [ArgumentCondition] = []
        for (index, entry) in try list(args, at: path).enumerated() {
            result.append(try condition(entry, at: "\(path)[\(index)]"))
        }
        if Set(result.map(\.argument)).count < result.count { return result.map { [$0] } }
        return [result]
    }

    private func condition(_ entry: JSONValue, at path: String) throws(OCIProfileError) -> ArgumentCondition {
        try checkKeys(entry, at: path, known: ["index", "value", "valueTwo", "op"])
        let index = try unsigned(entry["index"], at: path + ".index")
        guard index < 6 else { throw OCIProfileError(path: path + ".index", message: "there are six arguments, 0…5") }
        let value = try unsigned(entry["value"], at: path + ".value")
        let second = try entry["valueTwo"].map { node throws(OCIProfileError) in try unsigned(node, at: path + ".valueTwo") } ?? 0
        let word = try string(entry["op"], at: path + ".op")
        if word == OCIWord.maskedEqual {
            return ArgumentCondition(argument: UInt32(index), comparison: .maskedEqual(mask: value), value: second)
        }
        guard let comparison = OCIWord.comparisons.first(where: { $0.name == word })?.comparison else {
            throw OCIProfileError(
                path: path + ".op",
                message: "`\(word)` is no comparison; "
                    + NearestWord.mend(for: word, among: OCIWord.comparisons.map(\.name) + [OCIWord.maskedEqual]))
        }
        guard second == 0 else { throw OCIProfileError(path: path + ".valueTwo", message: "\(word) takes one value") }
        return ArgumentCondition(argument: UInt32(index), comparison: comparison, value: value)
    }

    private func action(_ node: JSONValue?, number: JSONValue?, at path: String) throws(OCIProfileError) -> FilterAction {
        let word = try string(node, at: path)
        guard let known = OCIWord.actions.first(where: { $0.name == word }) else {
            throw OCIProfileError(
                path: path, message: "`\(word)` is not supported; known are: " + OCIWord.actions.map(\.name).joined(separator: ", "))
        }
        let numberPath = path.hasSuffix("defaultAction") ? "defaultErrnoRet" : path.replacingSuffix("action", with: "errnoRet")
        let given = try number.flatMap { $0 == .null ? nil : $0 }.map { node throws(OCIProfileError) in
            try unsigned(node, at: numberPath)
        }
        if let action = known.action {
            if given != nil { throw OCIProfileError(path: numberPath, message: "only SCMP_ACT_ERRNO has a number") }
            return action
        }
        let errno = given ?? UInt64(OCIWord.operationNotPermitted)
        // MAX_ERRNO of the kernel; 0 would let a refused call look like a success.
        guard (1...4095).contains(errno) else { throw OCIProfileError(path: numberPath, message: "an errno lies in 1…4095") }
        return .errno(Int32(errno))
    }

    // MARK: includes and excludes

    private func applies(_ entry: JSONValue, at path: String) throws(OCIProfileError) -> Bool {
        let includes = try filters(entry["includes"], at: path + ".includes")
        let excludes = try filters(entry["excludes"], at: path + ".excludes")
        if let includes, !(includes.architecture ?? true) || !(includes.capabilities ?? true) || !(includes.kernel ?? true) {
            return false
        }
        if let excludes, excludes.architecture ?? false || excludes.anyCapability || excludes.kernel ?? false { return false }
        return true
    }

    private struct Filters {
        var architecture: Bool?
        /// All of them are held.
        var capabilities: Bool?
        var anyCapability = false
        var kernel: Bool?
    }

    /// Which of the listed facts are true here; nil for lists that are absent or empty.
    private func filters(_ node: JSONValue?, at path: String) throws(OCIProfileError) -> Filters? {
        guard let node, node != .null else { return nil }
        try checkKeys(node, at: path, known: ["arches", "caps", "minKernel"])
        var result = Filters()
        let arches = try strings(node["arches"], at: path + ".arches")
        if !arches.isEmpty { result.architecture = arches.contains("amd64") }
        let names = try strings(node["caps"], at: path + ".caps")
        if !names.isEmpty {
            result.capabilities = names.allSatisfy(context.capabilities.contains)
            result.anyCapability = names.contains(where: context.capabilities.contains)
        }
        if let kernel = node["minKernel"] { result.kernel = try isAtLeast(kernel, at: path + ".minKernel") }
        return result
    }

    private func isAtLeast(_ node: JSONValue, at path: String) throws(OCIProfileError) -> Bool {
        let text = try string(node, at: path)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let major = parts[0], let minor = parts[1] else {
            throw OCIProfileError(path: path, message: "`\(text)` is no kernel version such as 4.8")
        }
        return (context.kernelMajor, context.kernelMinor) >= (major, minor)
    }

    // MARK: rules together

    /// Rules of one call that say the same more than once become one; contradictions are errors.
    private func merged(_ rules: [SyscallRule]) throws(OCIProfileError) -> [SyscallRule] {
        var result: [SyscallRule] = []
        let byNumber = Dictionary(grouping: rules, by: \.number)
        for number in byNumber.keys.sorted() {
            let all = byNumber[number] ?? []
            let plain = all.first { $0.conditions.isEmpty }
            if let plain, let other = all.first(where: { $0.conditions.isEmpty && $0.action != plain.action }) {
                throw OCIProfileError(path: other.group, message: "`\(other.name)` has another answer in \(plain.group)")
            }
            var kept: [SyscallRule] = []
            for rule in all where !rule.conditions.isEmpty && rule.action != plain?.action {
                if kept.contains(where: { $0.conditions == rule.conditions && $0.action == rule.action }) { continue }
                if let other = kept.first(where: { $0.action != rule.action }) {
                    throw OCIProfileError(
                        path: rule.group, message: "`\(rule.name)` has another answer for some arguments in \(other.group)")
                }
                kept.append(rule)
            }
            result += kept + (plain.map { [$0] } ?? [])
        }
        return result
    }

    // MARK: values

    private func checkKeys(_ node: JSONValue, at path: String, known: [String]) throws(OCIProfileError) {
        guard case .object(let members) = node else {
            throw OCIProfileError(path: path.isEmpty ? "profile" : path, message: "an object is expected")
        }
        for member in members where !known.contains(member.key) {
            throw OCIProfileError(
                path: path.isEmpty ? member.key : "\(path).\(member.key)",
                message: "this field cannot be honoured; " + NearestWord.mend(for: member.key, among: known))
        }
        for unsupported in ["defaultErrno", "errno"] where node[unsupported] != nil {
            throw OCIProfileError(
                path: path.isEmpty ? unsupported : "\(path).\(unsupported)", message: "errno by name is not supported; write the number")
        }
    }

    private func list(_ node: JSONValue?, at path: String) throws(OCIProfileError) -> [JSONValue] {
        switch node {
        case nil, .null: return []
        case .array(let items): return items
        default: throw OCIProfileError(path: path, message: "a list is expected")
        }
    }

    private func strings(_ node: JSONValue?, at path: String) throws(OCIProfileError) -> [String] {
        var result: [String] = []
        for (index, item) in try list(node, at: path).enumerated() { result.append(try string(item, at: "\(path)[\(index)]")) }
        return result
    }

    private func string(_ node: JSONValue?, at path: String) throws(OCIProfileError) -> String {
        guard case .string(let text) = node else { throw OCIProfileError(path: path, message: "a text is expected") }
        return text
    }

    private func unsigned(_ node: JSONValue?, at path: String) throws(OCIProfileError) -> UInt64 {
        guard case .int(let number) = node, number >= 0 else {
            throw OCIProfileError(path: path, message: "a whole number from 0 to \(Int64.max) is expected")
        }
        return UInt64(number)
    }
}

extension String {
    fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
    }
}
