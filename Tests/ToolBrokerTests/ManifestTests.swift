internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Testing
internal import ToolBroker

@Suite struct ManifestTests {
    private static let good = """
        manifest: 1
        name: example
        description: an example
        protocol: channel
        run: [glovebox-worker]
        policy: workspace
        needs: ["filesystem:workspace:{path} read"]
        descriptors: {file: {path: "{path}", mode: read}}
        input:
          type: object
          additionalProperties: false
          required: [path]
          properties:
            path: {type: string}
        """

    /// The good manifest with one line exchanged.
    private func mistake(_ line: String, _ other: String) -> PolicyError? {
        do {
            _ = try ToolManifest.read(Array(Self.good.replacing(line, with: other).utf8), fileName: "t.yaml")
            return nil
        } catch {
            return error
        }
    }

    @Test func `a manifest says what it says`() throws {
        let tool = try ToolManifest.read(Array(Self.good.utf8), fileName: "t.yaml")
        #expect(tool.name == "example" && tool.spec.version == "1.0.0")
        #expect(tool.spec.id.text.hasPrefix("tool_static_") && tool.spec.id.text.utf8.count == 28)
        #expect(tool.descriptors.map(\.name) == ["file"] && tool.descriptors.map(\.path.name) == ["path"])
        #expect(tool.descriptors.map(\.mode) == [.read])
        #expect(tool.syscalls.isEmpty, "none are allowed unless they are named")
    }

    @Test(arguments: [
        ("name: example", "nmae: example", 2, "`nmae` is not a key of a tool manifest; did you mean `name`?"),
        ("name: example", "name: exa mple", 2, "is no tool name"),
        ("manifest: 1", "manifest: 2", 1, "version `2` is not known"),
        ("description: an example\n", "", 1, "`description` is missing"),
        ("protocol: channel", "protocol: chanel", 4, "did you mean `channel`?"),
        ("protocol: channel", "protocol: command", 8, "only channel tools"),
        ("run: [glovebox-worker]", "run: []", 5, "`run` is empty"),
        ("run: [glovebox-worker]", "run: [cat, \"{paht}\"]", 5, "there is no argument `paht`; did you mean `path`?"),
        ("run: [glovebox-worker]", "run: [cat, \"x{path[]}\"]", 5, "mixes a list with text"),
        ("run: [glovebox-worker]", "run: [cat, \"{path\"]", 5, "has no `}`"),
        ("run: [glovebox-worker]\n", "", 4, "`run` is missing"),
        ("policy: workspace\n", "", 1, "`policy` is missing"),
        ("policy: workspace", "policy: workspace\nlimits: {wall: 0s}", 7, "is zero"),
        ("policy: workspace", "policy: workspace\nlimits: {wal: 1s}", 7, "did you mean `wall`?"),
        ("policy: workspace", "policy: workspace\nfiles: [./x]", 7, "is relative"),
        ("policy: workspace", "policy: workspace\nfiles: [/usr]", 7, "is too wide"),
        ("policy: workspace", "policy: workspace\nfiles: [\"/\u{301}x/y\"]", 7, "a mark that combines"),
        ("policy: workspace", "policy: workspace\nsyscall: clock.now", 7, "has no meaning for a channel tool"),
        ("policy: workspace", "policy: workspace\nsyscalls: [clock.nwo]", 7, "`clock.nwo` is no libOS call; did you mean `clock.now`?"),
        ("policy: workspace", "policy: workspace\nsyscalls: [clock.now, clock.now]", 7, "twice"),
        ("policy: workspace", "policy: workspace\nsyscalls: [\"memory.*\"]", 7, "is no libOS call"),
        ("{path} read\"]", "{path} raed\"]", 7, "did you mean `read`?"),
        ("{path} read\"]", "{file} read\"]", 7, "there is no argument `file`"),
        ("{path} read\"]", "{path[]} read\"]", 7, "is not always a list"),
        ("needs: [\"filesystem:workspace:{path} read\"]\n", "", 7, "no need covers the descriptor"),
        ("mode: read}", "mode: replace}", 8, "no need covers the descriptor"),
        ("mode: read}", "mode: write}", 8, "is no mode"),
        ("  type: object", "  type: array", 10, "the arguments are no object"),
        ("  additionalProperties: false\n", "", 10, "add `additionalProperties: false`"),
        ("  required: [path]\n", "", 7, "may be absent"),
        ("path: {type: string}", "path: {type: [string, \"null\"]}", 7, "is not always a single value"),
        ("path: {type: string}", "path: {type: string, pattern: x}", 14, "is not a keyword"),
        ("path: {type: string}", "path: {type: strng}", 14, "that is no type"),
        ("name: example", "name: &a example", 2, "anchor"),
        ("name: example", "name: example\nname: other", 3, "twice"),
    ])
    func `each mistake is named with its line`(line: String, other: String, number: Int, message: String) throws {
        let error = try #require(mistake(line, other), "\(other)")
        #expect(error.line == number, "\(error)")
        #expect((error.description + error.others.map(\.description).joined()).contains(message), "\(error)")
    }

    @Test func `a libOS call has no process, and only known ones exist`() throws {
        func read(_ more: String) throws -> ToolManifest {
            let text = """
                manifest: 1
                name: now
                description: the time
                protocol: syscall
                \(more)
                input: {type: object, additionalProperties: false}
                """
            return try ToolManifest.read(Array(text.utf8), fileName: "t.yaml")
        }
        #expect(try read("syscall: clock.now").action == .syscall("clock.now"))
        for wrong in [
            "syscall: clock.nwo", "syscall: clock.now\nrun: [x]", "syscall: clock.now\npolicy: workspace", "tags: [x]",
            "syscall: clock.now\nsyscalls: [clock.now]",
        ] {
            #expect(throws: PolicyError.self) { try read(wrong) }
        }
    }

    @Test func `the published schema knows the libOS calls that there are`() throws {
        let schema = try json(try SmallFile.text(Products.policies + "/schema/tool.schema.json"))
        #expect(schema["properties"]?["syscalls"]?["items"]?["enum"] == .strings(LibOSCall.names))
    }

    @Test func `command lines: lists are words, and an argument never becomes an option`() throws {
        func line(_ run: String, _ arguments: String) throws -> [String] {
            let text = """
                manifest: 1
                name: c
                description: c
                protocol: command
                run: \(run)
                policy: workspace
                input: {type: object, additionalProperties: false, properties: {a: {type: string, default: x}, l: {type: array, default: []}}}
                """
            guard case .command(let words) = try ToolManifest.read(Array(text.utf8), fileName: "t.yaml").action else { return [] }
            return try ArgumentText(arguments: try json(arguments)).commandLine(words)
        }
        #expect(try line(#"[cat, "--n={a}", "{l[]}"]"#, #"{"a": "-v", "l": ["-x", "y z", 1]}"#) == ["cat", "--n=-v", "-x", "y z", "1"])
        #expect(try line(#"[cat, --, "{a}"]"#, #"{"a": "-rf"}"#) == ["cat", "--", "-rf"])
        #expect(try line(#"[awk, "{{print}}"]"#, "{}") == ["awk", "{print}"])
        #expect(throws: LibOSError.self) { try line(#"[cat, "{a}"]"#, #"{"a": "-rf"}"#) }
        #expect(throws: LibOSError.self) { try line(#"[cat, "{a}"]"#, "{\"a\": \"x\\u0000y\"}") }
        #expect(throws: LibOSError.self) { try line(#"["{l[]}"]"#, #"{"l": []}"#) }
        #expect(throws: LibOSError.self) { try line(#"["{l[]}"]"#, #"{"l": [" "]}"#) }
        #expect(throws: LibOSError.self) { try line(#"[cat, "{l[]}"]"#, #"{"l": [{}]}"#) }
    }

    @Test func `every shipped manifest loads, and the built-ins are all there`() throws {
        let registry = ToolRegistry()
        try registry.load(directory: Products.policies + "/tools")
        #expect(registry.all.count == 34)
        for tool in registry.all {
            #expect(tool.file.hasSuffix("/\(tool.name).yaml"), "a file is called by its tool's name")
            #expect(registry.tool(tool.spec.id)?.name == tool.name)
        }
        #expect(registry.all.map(\.name) == registry.all.map(\.name).sorted())
        let error = #expect(throws: PolicyError.self) { try registry.load(directory: Products.policies + "/tools") }
        #expect(error?.message.contains("there is a tool") == true)
        #expect(throws: PolicyError.self) { try registry.load(directory: "/dev/null/tools") }
    }

    /// Pieces of manifests put together anyhow: a manifest or an error with a place, never more.
    @Test func `fuzz of manifests`() {
        var generator = SeededGenerator(seed: 3)
        let lines = Self.good.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0..<3_000 {
            var mutated = lines
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<mutated.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: mutated.remove(at: at)
                case 1: mutated.insert(lines.randomElement(using: &generator) ?? "", at: at)
                case 2: mutated[at] = String(mutated[at].dropLast(Int.random(in: 0...6, using: &generator)))
                default: mutated[at] += [" {", "[", "\"", ": x", " *", "\t", "&"].randomElement(using: &generator) ?? ""
                }
                if mutated.isEmpty { break }
            }
            do {
                _ = try ToolManifest.read(Array(mutated.joined(separator: "\n").utf8), fileName: "t.yaml")
            } catch {
                #expect(error.line > 0 && !error.message.isEmpty && !error.mend.isEmpty)
            }
        }
    }

    /// A libOS call is decided where it is done; a need that nobody looks at would be a promise that nobody keeps.
    @Test func `needs of a syscall are refused`() {
        let text = """
            manifest: 1
            name: guarded
            description: an example
            protocol: syscall
            syscall: clock.now
            needs: ["secret:token read"]
            input: {type: object, additionalProperties: false}
            """
        #expect(throws: PolicyError.self) { try ToolManifest.read(Array(text.utf8), fileName: "t.yaml") }
    }
}
