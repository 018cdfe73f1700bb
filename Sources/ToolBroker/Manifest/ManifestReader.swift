internal import CapabilityLanguage
internal import LibOSModel
package import SandboxPolicy
package import StrictJSON

extension ToolManifest {
    /// Keys of a manifest, in the order in which they are written.
    package static let keys = [
        "$schema", "manifest", "name", "description", "version", "protocol", "syscall", "run", "descriptors", "syscalls", "policy",
        "limits", "session", "files", "needs", "input", "output", "tags",
    ]
    package static let formatVersion = 1
    /// A manifest is some kilobytes; schemas nest deeper than policies.
    package static let bounds = DocumentBounds(bytes: 256 << 10, depth: 48, nodes: 10_000)
    static let mostNeeds = 32
    static let mostDescriptors = 8

    /// Reads and checks one manifest. All its errors are found in one go.
    /// - Parameter directory: absolute; where relative paths of `files` begin. Nil: they are refused.
    package static func read(_ bytes: [UInt8], fileName: String, directory: String? = nil) throws(PolicyError) -> ToolManifest {
        let root = try DocumentReader.read(bytes, fileName: fileName, bounds: bounds)
        var reader = ManifestReader(root: root, fileName: fileName, directory: directory)
        return try reader.read()
    }
}

private struct ManifestReader {
    let root: DocumentNode
    var fields: FieldReader
    var values: [String: DocumentNode] = [:]

    private let directory: String?
    /// As they are written, with the path that each one means.
    private var files: [String: String] = [:]

    init(root: DocumentNode, fileName: String, directory: String?) {
        self.root = root
        self.directory = directory
        fields = FieldReader(fileName: fileName)
    }

    mutating func read() throws(PolicyError) -> ToolManifest {
        let entries = fields.mapping(root, of: "a tool manifest", keys: ToolManifest.keys)
        try fields.finish()
        for entry in entries { values[entry.key] = entry.value }
        for required in ["manifest", "name", "description", "protocol", "input"] where values[required] == nil {
            fields.report(root.position, "`\(required)` is missing", "add `\(required): …`")
        }
        try fields.finish()
        if let format = text("manifest"), format != String(ToolManifest.formatVersion) {
            fields.report(
                position("manifest"), "manifest version `\(format)` is not known", "write `manifest: \(ToolManifest.formatVersion)`")
        }
        let name = text("name") ?? ""
        if !ToolManifest.isName(name) {
            fields.report(position("name"), "`\(name)` is no tool name", "use A-Z, a-z, 0-9, `_`, `.` and `-`, at most 128")
        }
        let input = schema("input") ?? .anything
        checkInput(input)
        let output = schema("output")
        readFiles()
        let action = readAction()
        let needs = readNeeds(input)
        let descriptors = readDescriptors(input, needs)
        let syscalls = readSyscalls()
        let policy = text("policy")
        if case .syscall(let name) = action {
            if policy != nil, !LibOSCall.files.contains(name), !LibOSCall.bridges.contains(name) {
                fields.report(position("policy"), "`policy` has no meaning for `\(name)`", "remove it: the runtime decides")
            }
            for key in ["limits", "run", "descriptors", "syscalls", "session", "files", "needs"] where values[key] != nil {
                fields.report(position(key), "`\(key)` has no meaning for a syscall", "remove it: the libOS call decides by itself")
            }
        } else if policy == nil {
            fields.report(root.position, "`policy` is missing", "name the policy that a call is confined by")
        }
        let limits = readLimits()
        let tags = values["tags"].map { fields.texts($0, of: "tags").map(\.value) } ?? []
        checkPlaces(action, input)
        try fields.finish()
        let spec = ToolSpec(
            id: ToolIdentity.of(name), name: name, description: text("description") ?? "", version: text("version") ?? "1.0.0",
            inputSchema: input.source, outputSchema: output?.source, tags: tags)
        var tool = ToolManifest(
            spec: spec, action: action, needs: needs, descriptors: descriptors, syscalls: syscalls,
            files: files.values.sorted(), policy: policy, limits: limits, input: input,
            output: output,
            file: fields.fileName)
        try readSession(&tool)
        return tool
    }

    /// `session: true`
    private mutating func readSession(_ tool: inout ToolManifest) throws(PolicyError) {
        guard let node = values["session"], let isTrue = fields.boolean(node, of: "session") else { return try fields.finish() }
        tool.understandsSessions = isTrue
        if isTrue, let obstacle = tool.sessionObstacle {
            fields.report(node.position, "`session: true` cannot be: \(obstacle)", "remove it; each call then gets a sandbox of its own")
        }
        try fields.finish()
    }

    private mutating func text(_ key: String) -> String? { values[key].flatMap { fields.text($0, of: key) } }

    private func position(_ key: String) -> SourcePosition { values[key]?.position ?? root.position }

    private mutating func readAction() -> ToolManifest.Action {
        guard let word = text("protocol") else { return .syscall("") }
        let known = ["syscall", "command", "channel"]
        guard known.contains(word) else {
            fields.report(position("protocol"), "`\(word)` is no protocol", NearestWord.mend(for: word, among: known))
            return .syscall("")
        }
        if word == "syscall" {
            guard let name = text("syscall") else {
                fields.report(position("protocol"), "`syscall` is missing", "name the libOS call, for example memory.read_object")
                return .syscall("")
            }
            if !LibOSCall.isName(name) {
                fields.report(position("syscall"), "`\(name)` is no libOS call", NearestWord.mend(for: name, among: LibOSCall.names))
            }
            return .syscall(name)
        }
        if values["syscall"] != nil {
            fields.report(position("syscall"), "`syscall` has no meaning for a \(word) tool", "remove it, or write `protocol: syscall`")
        }
        guard let node = values["run"] else {
            fields.report(position("protocol"), "`run` is missing", "write `run: [program, argument, …]`")
            return .syscall("")
        }
        var words: [WordTemplate] = []
        for item in fields.items(node, of: "run", most: 256) {
            guard let text = fields.text(item, of: "run") else { continue }
            // A file of the tool's own is run from where it lies, and holds no places whatever its name.
            if let path = files[text] {
                words.append(WordTemplate(ArgumentTemplate(pieces: [.text(path)], source: path)))
                continue
            }
            guard let template = attempt(item.position, { () throws(ArgumentTemplate.Problem) in try ArgumentTemplate.parse(text) })
            else { continue }
            words.append(WordTemplate(template))
        }
        if words.isEmpty { fields.report(node.position, "`run` is empty", "name the program") }
        if let word = words.first(where: { $0.isList && $0.template.pieces.count > 1 }) {
            fields.report(node.position, "`\(word.template.source)` mixes a list with text", "give the list a word of its own")
        }
        return word == "command" ? .command(words) : .channel(words)
    }

    private mutating func attempt<Value>(
        _ position: SourcePosition, _ body: () throws(ArgumentTemplate.Problem) -> Value
    ) -> Value? {
        do {
            return try body()
        } catch {
            fields.report(position, error.message, error.mend)
            return nil
        }
    }

    /// Paths that are absolute, or relative to the manifest's own directory.
    private mutating func readFiles() {
        guard let node = values["files"] else { return }
        for text in fields.texts(node, of: "files") {
            var path = text.value
            // By bytes, as the kernel reads it: with a mark behind it that combines, a slash is no character of its own.
            let slash = UInt8(ascii: "/")
            if path.utf8.first != slash {
                guard let directory else {
                    fields.report(text.position, "`\(path)` is relative, and this manifest has no directory", "write an absolute path")
                    continue
                }
                path = directory + "/" + path
            }
            var parts: [String] = []
            for part in path.utf8.split(separator: slash).map({ String(Substring($0)) }) where part != "." {
                if part == ".." { _ = parts.popLast() } else { parts.append(part) }
            }
            path = "/" + parts.joined(separator: "/")
            let resource = "filesystem:host:" + path
            guard fields.attempt(text.position, { () throws(ResourceProblem) in try Resource.parse(resource) }) != nil else { continue }
            if parts.count < 2 { fields.report(text.position, "`\(path)` is too wide", "name the tool's own files") }
            files[text.value] = path
        }
    }

    private mutating func readNeeds(_ input: JSONSchema) -> [NeedTemplate] {
        guard let node = values["needs"] else { return [] }
        var result: [NeedTemplate] = []
        for item in fields.items(node, of: "needs", most: ToolManifest.mostNeeds) {
            guard let text = fields.text(item, of: "needs"),
                let need = fields.attempt(item.position, { () throws(ResourceProblem) in try NeedTemplate.parse(text) })
            else { continue }
            for place in need.resource.places { checkPlace(place, input, item.position) }
            result.append(need)
        }
        return result
    }

    /// `descriptors: {file: {path: "{path}", mode: read}}`
    private mutating func readDescriptors(_ input: JSONSchema, _ needs: [NeedTemplate]) -> [DescriptorTemplate] {
        guard let node = values["descriptors"] else { return [] }
        if values["protocol"].flatMap({ fields.text($0, of: "protocol") }) != "channel" {
            fields.report(node.position, "only channel tools are handed descriptors", "write `protocol: channel`")
        }
        guard case .mapping(let entries) = node.content, entries.count <= ToolManifest.mostDescriptors else {
            fields.report(node.position, "`descriptors` is no mapping of few names", "write {file: {path: \"{path}\", mode: read}}")
            return []
        }
        var result: [DescriptorTemplate] = []
        let modes = DescriptorTemplate.Mode.allCases.map(\.rawValue)
        for entry in entries {
            let parts = fields.mapping(entry.value, of: "a descriptor", keys: ["path", "mode"])
            guard let path = parts.first(where: { $0.key == "path" }), let mode = parts.first(where: { $0.key == "mode" }),
                let pathText = fields.text(path.value, of: "path"), let modeText = fields.text(mode.value, of: "mode")
            else {
                fields.report(
                    entry.keyPosition, "the descriptor `\(entry.key)` lacks a path or a mode", "write {path: \"{path}\", mode: read}")
                continue
            }
            guard
                let template = attempt(path.value.position, { () throws(ArgumentTemplate.Problem) in try ArgumentTemplate.parse(pathText) })
            else { continue }
            guard template.pieces.count == 1, let place = template.places.first, place.selector == .whole else {
                fields.report(path.value.position, "`\(pathText)` is no single argument", "write {path}")
                continue
            }
            guard let known = DescriptorTemplate.Mode(rawValue: modeText) else {
                fields.report(mode.value.position, "`\(modeText)` is no mode", NearestWord.mend(for: modeText, among: modes))
                continue
            }
            checkPlace(place, input, path.value.position)
            // What is handed over must have been asked for: a descriptor is authority.
            let right: CapabilityRight = known == .read ? .read : .write
            if !needs.contains(where: { $0.isWorkspacePath && $0.resource.places == [place] && $0.rights.contains(right) }) {
                fields.report(
                    entry.keyPosition, "no need covers the descriptor `\(entry.key)`",
                    "add \"filesystem:workspace:\(pathText) \(right.rawValue)\" to `needs`")
            }
            result.append(DescriptorTemplate(name: entry.key, path: place, mode: known))
        }
        return result
    }

    /// `syscalls: [clock.now, memory.read_object]`
    private mutating func readSyscalls() -> Set<String> {
        guard let node = values["syscalls"] else { return [] }
        if let word = values["protocol"].flatMap({ fields.text($0, of: "protocol") }), word == "command" {
            fields.report(node.position, "only channel tools make libOS calls", "remove it, or write `protocol: channel`")
        }
        var result: Set<String> = []
        for name in fields.texts(node, of: "syscalls") {
            if !LibOSCall.isName(name.value) {
                fields.report(name.position, "`\(name.value)` is no libOS call", NearestWord.mend(for: name.value, among: LibOSCall.names))
            }
            result.insert(name.value)
        }
        return result
    }

    private mutating func readLimits() -> [LimitName: UInt64] {
        guard let node = values["limits"] else { return [:] }
        var result: [LimitName: UInt64] = [:]
        for entry in fields.mapping(node, of: "limits", keys: LimitName.allCases.map(\.rawValue)) {
            guard let name = LimitName(rawValue: entry.key), let text = fields.text(entry.value, of: entry.key) else { continue }
            do {
                result[name] = try name.parse(text)
            } catch {
                fields.report(entry.value.position, "`\(name.rawValue)`: \(error.message)", error.mend)
            }
        }
        return result
    }

    private mutating func schema(_ key: String) -> JSONSchema? {
        guard let node = values[key] else { return nil }
        do {
            return try JSONSchema.compile(SchemaField.value(of: node))
        } catch {
            let place = SchemaField.position(of: error.pointer, in: node)
            fields.report(place, "`\(key)\(error.pointer)`: \(error.message)", error.mend)
            return nil
        }
    }

    /// Arguments are an object whose members are all known: what the broker did not look at cannot reach a tool.
    private mutating func checkInput(_ input: JSONSchema) {
        guard values["input"] != nil, input != .anything else { return }
        if !input.describesAnObject {
            fields.report(position("input"), "the arguments are no object", "write `type: object`")
        } else if !input.refusesOtherMembers {
            fields.report(position("input"), "other arguments than the named ones are let through", "add `additionalProperties: false`")
        }
    }

    private mutating func checkPlaces(_ action: ToolManifest.Action, _ input: JSONSchema) {
        switch action {
        case .command(let words), .channel(let words):
            for place in words.flatMap(\.template.places) { checkPlace(place, input, position("run")) }
        case .syscall: break
        }
    }

    /// A place without a value would leave a need out, so every one is required or has a default.
    private mutating func checkPlace(_ place: ArgumentTemplate.Place, _ input: JSONSchema, _ position: SourcePosition) {
        guard input != .anything else { return }
        guard let property = input.argument(place.name) else {
            return fields.report(
                position, "there is no argument `\(place.name)`", NearestWord.mend(for: place.name, among: input.argumentNames))
        }
        if !property.isAlwaysThere {
            fields.report(position, "the argument `\(place.name)` may be absent", "require it, or give it a default")
        }
        let wanted: Set<SchemaType> = place.selector == .whole ? [.string, .integer, .number, .boolean] : [.array]
        guard let types = property.types, types.isSubset(of: wanted) else {
            return fields.report(
                position, "the argument `\(place.name)` is not always \(place.selector == .whole ? "a single value" : "a list")",
                "give it one type in the input schema")
        }
    }
}
