internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON
internal import Testing
internal import ToolBroker

/// What a call needs is made of its arguments, and arguments are hostile.
@Suite struct NeedTemplateTests {
    private func needs(_ template: String, _ arguments: JSONValue, in directory: String = ".") throws -> [String] {
        try NeedTemplate.parse(template).needs(arguments, workingDirectory: directory).map {
            "\($0.resource)\($0.resource.extent == .tree ? " tree" : "") \(CapabilityRight.inOrder($0.rights).map(\.rawValue).joined(separator: ","))"
        }
    }

    private func path(_ path: String, in directory: String = ".") throws -> [String] {
        try needs("filesystem:workspace:{path} read", .object(["path": .string(path)]), in: directory)
    }

    @Test(arguments: [
        ("src/a", ".", "src/a"), ("./src//a/", ".", "src/a"), ("a", "src", "src/a"), ("../b", "src", "b"), ("x/../b", ".", "b"),
        ("a:b", ".", "a:b"), ("-rf", ".", "-rf"), ("a b", ".", "a b"), ("ä/ö", ".", "ä/ö"), ("%2e%2e/a", ".", "%2e%2e/a"),
        ("workspace:x", ".", "workspace:x"), ("...", ".", "..."), ("a\\..\\b", ".", "a\\..\\b"),
    ])
    func `a path names one place of the workspace`(given: String, directory: String, place: String) throws {
        #expect(try path(given, in: directory) == ["filesystem:workspace:\(place) read"])
    }

    @Test func `the workspace itself, and everything below a directory`() throws {
        #expect(try path(".") == ["filesystem:workspace:* read"])
        #expect(try path("..", in: "src") == ["filesystem:workspace:* read"])
        #expect(
            try needs("filesystem:workspace:{path}/* delete", .object(["path": .string("src")])) == ["filesystem:workspace:src tree delete"]
        )
        #expect(try needs("filesystem:workspace:{path}/* read", .object(["path": .string(".")])) == ["filesystem:workspace:* tree read"])
    }

    @Test(arguments: [
        "..", "../a", "a/../../b", "/etc/passwd", "//etc/passwd", "", "a\0b", "a\nb", "a\r", "a\u{1B}[2J", "*", "a/*", "src/*/b", "a*",
        "a/\u{202E}b", "a/\u{338}b", "\u{FEFF}a", "\u{85}", "a\u{2028}b", String(repeating: "a", count: 256),
        String(repeating: "a/", count: 2100), "../../../../../../../../etc/shadow", "./..//../x",
    ])
    func `a path that leads elsewhere or means more than one place is refused`(given: String) throws {
        let error = #expect(throws: LibOSError.self) { try path(given) }
        #expect(error?.code == .validation)
        #expect(error?.description.unicodeScalars.contains(where: isDangerousToPrint) == false, "the refusal prints safely")
    }

    @Test(arguments: [
        ("object:{a} read", "obj_1", "object:obj_1 read"), ("process:{a} read", "pid_1", "process:pid_1 read"),
        ("shell:{a} execute", "git", "shell:git tree execute"), ("shell:{a} execute", "/usr/bin/git", "shell:/usr/bin/git execute"),
        ("network:tcp:{a}:443 connect", "example.org", "network:tcp:example.org:443 connect"),
        ("environment:{a} read", "LANG", "environment:LANG read"),
        ("human:{a} write", "owner", "human:owner write"),
    ])
    func `an argument fills one part`(template: String, value: String, need: String) throws {
        #expect(try needs(template, .object(["a": .string(value)])) == [need])
    }

    @Test(arguments: [
        ("object:{a} read", "*"), ("object:{a} read", "x:*"), ("object:{a} read", "a/b"), ("object:{a} read", "a:b"),
        ("object:{a} read", ""),
        ("object:{a} read", "a/*"), ("process:{a} read", "*"), ("process:{a} read", "a b"), ("shell:{a} execute", "*"),
        ("shell:{a} execute", "./x"), ("shell:{a} execute", "a b"), ("shell:{a} execute", "../git"), ("network:tcp:{a}:443 connect", "*"),
        ("network:tcp:{a}:443 connect", "example.org:80"), ("network:tcp:example.org:{a} connect", "*"),
        ("human:{a} write", "own\ner"), ("filesystem:workspace:logs/{a} read", "../x"), ("filesystem:workspace:logs/{a} read", "x/y"),
        ("filesystem:workspace:logs/{a} read", "*"),
    ])
    func `an argument never makes another kind, part, pattern or right`(template: String, value: String) throws {
        #expect(throws: LibOSError.self) { try needs(template, .object(["a": .string(value)])) }
    }

    @Test func `each item of a list is a need of its own`() throws {
        let list = JSONValue.object(["paths": .strings(["a", "b/c"])])
        #expect(
            try needs("filesystem:workspace:{paths[]} read,write", list)
                == ["filesystem:workspace:a read,write", "filesystem:workspace:b/c read,write"])
        #expect(try needs("filesystem:workspace:{paths[]} read", .object(["paths": .array([])])) == [])
        #expect(try needs("shell:{paths.0} execute", list) == ["shell:a tree execute"])
        #expect(throws: LibOSError.self) { try needs("shell:{paths.7} execute", list) }
        #expect(throws: LibOSError.self) { try needs("filesystem:workspace:{paths[]} read", .object(["paths": .strings(["a", "../x"])])) }
    }

    @Test(arguments: [
        "{kind}:x read", "filesystem:{space}:a read", "filesystem:workspace:{a}{b} read", "filesystem:workspace:{a}", "object:{a} fly",
        "object:{a} connect", "process:{a} execute", "object:{A} read", "object:{a read", "object:a} read", "object:{a[]}:{b[]} read",
        "nonsense:{a} read",
        "filesystem:host:{a} read", "object:{a.x} read", "",
    ])
    func `a template that could mean more than it says is refused at load`(template: String) throws {
        #expect(throws: ResourceProblem.self) { try NeedTemplate.parse(template) }
    }

    @Test func `arguments beyond text are refused where a name is meant`() throws {
        for value: JSONValue in [.null, .array([]), .object([])] {
            #expect(throws: LibOSError.self) { try needs("object:{a} read", .object(["a": value])) }
        }
        #expect(throws: LibOSError.self) { try needs("object:{a} read", .object([])) }
    }

    /// Whatever a path holds: it is refused, or it is one place below the workspace that reads back as itself.
    @Test func `fuzz of path arguments`() throws {
        var generator = SeededGenerator(seed: 0x61_6C_6C_6F)
        let pieces = [
            "..", ".", "/", "//", "a", "src", "*", ":", " ", "\0", "\n", "\u{338}", "\u{202E}", "ä", "e\u{301}", "\\", "~", "-", "{a}",
            "host:/etc",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard let place = try? WorkspacePath.resolve(text, in: "src/deep") else { continue }
            for name in place.components {
                #expect(name != ".." && name != "." && !name.isEmpty, "\(text.debugDescription)")
                #expect(!name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0) && !name.utf8.contains(UInt8(ascii: "*")))
            }
            if !place.isRoot { #expect(try Resource.parseAction(place.resource.description) == place.resource) }
        }
    }
}
