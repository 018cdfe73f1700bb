import MCPClients
import StrictJSON
import TestSupport
import Testing

@Suite("Sealing and opening entries")
struct EntryEditTests {
    private typealias Layout = ClientConfiguration.Layout

    private func seal(_ bytes: [UInt8], _ layout: Layout, program: String = "glovebox") throws -> [UInt8] {
        let configuration = try ClientConfiguration.read(bytes, layout)
        var edits: [TextEdit] = []
        for entry in configuration.entries {
            let seal = SealedCommand.Seal(program: program, policy: "p", name: "n", environment: entry.command?.environment ?? [])
            edits += try EntryEdit.seal(entry, seal, in: configuration)
        }
        return TextEdit.apply(edits, to: bytes)
    }

    private func open(_ bytes: [UInt8], _ layout: Layout, program: String = "glovebox") throws -> [UInt8] {
        let configuration = try ClientConfiguration.read(bytes, layout)
        var edits: [TextEdit] = []
        for entry in configuration.entries {
            let command = try #require(entry.command)
            let sealed = try #require(SealedCommand.of(command, ownPrograms: [program]))
            edits += try EntryEdit.open(entry, sealed, in: configuration)
        }
        return TextEdit.apply(edits, to: bytes)
    }

    private func roundTrip(_ text: String, _ layout: Layout, commands: [[String]], _ comment: Comment) throws {
        let original = Array(text.utf8)
        let read = try ClientConfiguration.read(original, layout)
        #expect(read.entries.map { [$0.command?.program ?? ""] + ($0.command?.arguments ?? []) } == commands, comment)
        let sealed = try seal(original, layout)
        let entries = try ClientConfiguration.read(sealed, layout).entries
        #expect(entries.count == commands.count, comment)
        for (entry, command) in zip(entries, commands) {
            let variables = (entry.command?.environment ?? []).flatMap { ["--env", $0] }
            #expect(entry.command?.program == "glovebox", comment)
            #expect(entry.command?.arguments == ["mcp", "run", "--policy", "p", "--name", "n"] + variables + ["--"] + command, comment)
        }
        #expect(try open(sealed, layout) == original, comment)
    }

    @Test func `made-up JSON is sealed as meant, and opened to the very bytes`() throws {
        for seed in 0..<600 as Range<UInt64> {
            var made = RandomConfiguration(seed: seed)
            let servers = made.servers()
            let layout: Layout = seed % 2 == 0 ? .servers : .editor
            let text = made.json(servers, key: layout == .servers ? "mcpServers" : "servers")
            try roundTrip(text, layout, commands: servers.map(\.command), "seed \(seed): \(text)")
        }
    }

    @Test func `made-up TOML is sealed as meant, and opened to the very bytes`() throws {
        for seed in 0..<600 as Range<UInt64> {
            var made = RandomConfiguration(seed: seed)
            let servers = made.servers()
            let text = made.toml(servers)
            try roundTrip(text, .codex, commands: servers.map(\.command), "seed \(seed): \(text)")
        }
    }

    @Test func `damaged texts are refused or read, and what is read can be sealed and read again`() throws {
        var random = SeededGenerator(state: 7)
        for seed in 0..<1200 as Range<UInt64> {
            var made = RandomConfiguration(seed: seed % 50)
            let servers = made.servers()
            let layout: Layout = seed % 2 == 0 ? .servers : .codex
            var bytes = Array((layout == .codex ? made.toml(servers) : made.json(servers, key: "mcpServers")).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(Array("\"'{}[],.#=\\\n\r/*".utf8).randomElement(using: &random) ?? 0, at: at)
                default: bytes.removeLast(bytes.count - at)
                }
            }
            guard let read = try? ClientConfiguration.read(bytes, layout) else { continue }
            for entry in read.entries {
                let seal = SealedCommand.Seal(program: "glovebox", policy: "p", name: "n")
                guard let edits = try? EntryEdit.seal(entry, seal, in: read) else { continue }
                let sealed = try ClientConfiguration.read(TextEdit.apply(edits, to: bytes), layout)
                let again = try #require(sealed.entries.first { $0.name == entry.name })
                #expect(again.command?.arguments.suffix((entry.command?.arguments.count ?? 0) + 1).first == entry.command?.program)
                let command = try #require(again.command)
                let opened = try EntryEdit.open(again, try #require(SealedCommand.of(command, ownPrograms: [])), in: sealed)
                #expect(TextEdit.apply(opened, to: sealed.bytes) == bytes, "seed \(seed)")
            }
        }
    }

    @Test func `the change is small and stays in the entry`() throws {
        let text = """
            {
              // mine
              "mcpServers": {
                "git": {
                  "command": "uvx",
                  "args": [
                    "mcp-server-git"
                  ],
                }
              }
            }

            """
        let configuration = try ClientConfiguration.read(Array(text.utf8), .servers)
        let edits = try EntryEdit.seal(
            configuration.entries[0], .init(program: "glovebox", policy: "mcp-git", name: "git", workspace: "/w"), in: configuration)
        #expect(
            UnifiedDiff.text(of: edits, in: configuration.bytes, name: "f") == """
                --- f
                +++ f, sealed or opened
                @@ -2,9 +2,9 @@
                   // mine
                   "mcpServers": {
                     "git": {
                -      "command": "uvx",
                +      "command": "glovebox",
                       "args": [
                -        "mcp-server-git"
                +        "mcp", "run", "--policy", "mcp-git", "--name", "git", "--workspace", "/w", "--", "uvx", "mcp-server-git"
                       ],
                     }
                   }

                """)
    }

    @Test func `values of variables and headers are not shown with the change`() throws {
        let text = #"""
            {"mcpServers": {"a": {"env": {"TOKEN": "s3cret", "N": 7}, "command": "x", "args": ["y"]},
              "b": {"url": "u", "headers": {"Authorization": "s3cret"}},
              "c": {"command": "z", "env": {"é": "s3cret"}}}}
            """#
        let configuration = try ClientConfiguration.read(Array(text.utf8), .servers)
        let edits = try EntryEdit.seal(configuration.entries[0], .init(program: "g", policy: "p", name: "n"), in: configuration)
        let diff = UnifiedDiff.text(
            of: edits, in: configuration.bytes, name: "f", hiding: configuration.entries.flatMap(\.secrets))
        #expect(!diff.contains("s3cret"), "\(diff)")
        #expect(diff.contains(#"-{"mcpServers": {"a": {"env": {"TOKEN": …, "N": …}, "command": "x", "args": ["y"]},"#), "\(diff)")
        #expect(diff.contains(#"…}, "command": "g", "args": ["mcp", "run", "--policy", "p", "--name", "n", "--", "x", "y"]},"#), "\(diff)")
    }

    @Test func `a list that a person wrote is opened too, and its last comma goes`() throws {
        let text = #"{"mcpServers": {"a": {"command": "glovebox", "args": ["mcp", "run", "--", "npx" , ]}}}"#
        #expect(
            String(decoding: try open(Array(text.utf8), .servers), as: UTF8.self)
                == #"{"mcpServers": {"a": {"command": "npx", "args": [  ]}}}"#)
    }

    @Test(arguments: [
        (#"{"mcpServers": {"a": {"command": "x", "args": [1]}}}"#, "no text"),
        (#"{"mcpServers": {"a": {"command": "x", "args": "y"}}}"#, "no list"),
        (#"{"mcpServers": {"a": {"command": ["x"]}}}"#, "no text"),
        (#"{"mcpServers": {"a": {"url": "https://x.example"}}}"#, "elsewhere"),
        (#"{"mcpServers": {"a": {"command": "x", "url": "https://x.example"}}}"#, "`url`"),
        (#"{"mcpServers": {"a": {"command": "x", "envFile": ".env"}}}"#, "envFile"),
        (#"{"mcpServers": {"a": {"command": "x", "env": {"LD_PRELOAD": "y"}}}}"#, "LD_PRELOAD"),
        (#"{"mcpServers": {"a": {"command": "x", "env": {"SWIFT_BACKTRACE": "y"}}}}"#, "SWIFT_BACKTRACE"),
        (#"{"mcpServers": {"a": {"command": "x", "env": {"HOME": "y"}}}}"#, "HOME"),
        (#"{"mcpServers": {"a": {"url": "https://x.example", "headersHelper": "y"}}}"#, "headersHelper"),
        (#"{"mcpServers": {"a": {"command": "x", "env": {"A=B": "y"}}}}"#, "no name"),
        (#"{"mcpServers": {"a": {"command": "x", "type": "http"}}}"#, "type"),
        (#"{"mcpServers": {"a": 1}}"#, "no table"),
    ])
    func `what cannot be sealed for certain is refused`(_ text: String, _ word: String) throws {
        let configuration = try ClientConfiguration.read(Array(text.utf8), .servers)
        let entry = configuration.entries[0]
        let error = try #require(throws: EntryRefusal.self) {
            try EntryEdit.seal(entry, .init(program: "g", policy: "p", name: "n"), in: configuration)
        }
        #expect(error.reason.contains(word), "\(error)")
    }

    @Test func `only our own program seals`() throws {
        func isSealed(_ program: String) throws -> Bool {
            let text = #"{"mcpServers": {"a": {"command": "\#(program)", "args": ["mcp", "run", "--policy=x", "--", "npx"]}}}"#
            let command = try #require(try ClientConfiguration.read(Array(text.utf8), .servers).entries[0].command)
            let sealed = SealedCommand.of(command, ownPrograms: ["/usr/bin/glovebox"])
            if let sealed { #expect(sealed.policy == "x" && sealed.commandIndex == 4) }
            return sealed != nil
        }
        #expect(try isSealed("glovebox"))
        #expect(try isSealed("/usr/bin/glovebox"))
        #expect(try !isSealed("./glovebox"))
        #expect(try !isSealed("/tmp/glovebox"))
    }

    @Test(arguments: [
        (["npx", "-y", "@modelcontextprotocol/server-filesystem@2026.1.0", "/w", "/v"], "mcp-filesystem", ["/w", "/v"]),
        (["uvx", "mcp-server-git==1.0", "--repository", "/w"], "mcp-git", ["/w"]),
        (["/opt/venv/bin/mcp-server-time"], "mcp-time", []), (["python3", "-m", "mcp_server_fetch"], "mcp-fetch", []),
        (["uvx", "mcp-server-gitlab"], nil, []),
    ])
    func `well-known servers are told by their package`(_ words: [String], _ policy: String?, _ directories: [String]) throws {
        let value = JSONValue.object([
            "mcpServers": .object(["a": .object(["command": .string(words[0]), "args": .strings(Array(words.dropFirst()))])])
        ])
        let command = try #require(try ClientConfiguration.read(Array(value.canonicalText.utf8), .servers).entries[0].command)
        #expect(KnownServer.of(command)?.server.policy == policy)
        #expect(KnownServer.directories(command) == directories)
    }

    @Test func `projects, disabled entries and variables are found`() throws {
        let text = #"""
            {"mcpServers": {"a": {"command": "x", "disabled": true, "env": {"T": "1"}}},
             "projects": {"/p": {"mcpServers": {"b": {"command": "y", "cwd": "/q"}}}, "/r": {}}}
            """#
        let entries = try ClientConfiguration.read(Array(text.utf8), .projects).entries
        #expect(entries.map(\.name) == ["a", "b"])
        #expect(entries.map(\.project) == [nil, "/p"])
        // What no client of this layout obeys turns nothing off.
        #expect(entries.map(\.isDisabled) == [false, false])
        #expect(entries[0].command?.environment == ["T"])
        #expect(entries[1].command?.workingDirectory == "/q")
        let codex = "[mcp_servers.a]\ncommand = 'x'\nenabled = false\nenv_vars = ['A', {name = 'B', source = 'local'}]\nenv = {C = '1'}\n"
        let entry = try ClientConfiguration.read(Array(codex.utf8), .codex).entries[0]
        #expect(entry.isDisabled && entry.command?.environment == ["C", "A", "B"])
        #expect(entry.position == SourcePosition(line: 2, column: 1))
    }
}
