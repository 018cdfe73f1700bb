internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxTestSupport
internal import StrictJSON
import TestSupport
internal import Testing
internal import ToolBroker

/// The built-in file tools in real sandboxes: what they get, what they leave, and what they cannot do.
@Suite struct FileToolTests {
    @Test(.timeLimit(.minutes(1))) func `a file is read by a worker that has that file and no file system`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("src")
            try fixture.sandbox.file("src/a", "hällo", mode: 0o600)
            let record = try await fixture.grant("filesystem:workspace:src/a", [.read])
            let result = try await fixture.call("read_text_file", #"{"path": "src/a"}"#)
            #expect(result.isOK, "\(result.error ?? "")")
            #expect(
                result.payload
                    == (try json(#"{"path":"src/a","read_bytes":6,"size_bytes":6,"text":"hällo","truncated":false}"#)).sortedLike(
                        result.payload))

            let call = try #require(try await fixture.calls(.completed).first)
            #expect(call.capabilities == [record.id])
            #expect(call.result == result.result?.object)
            #expect(call.report["schema"] == .string("glovebox.run/1"))
            #expect(call.report["ended_by"] == .string("result"))
            // The receipt: nothing of the workspace is mounted.
            let intent = try #require(try await fixture.audit("external_effect.intent").first)
            let outcome = try #require(try await fixture.audit("tool.call").first)
            #expect(outcome.parent != nil && outcome.capabilities == [record.id])
            #expect(intent.decision["action_hash"] == .string(call.actionHash))
            #expect(outcome.decision["receipt"]?["landlock"] == .string("enforced"))
            let touched = try #require(try await fixture.audit("external.filesystem.read_text").first)
            #expect(touched.target == "filesystem:workspace:src/a" && touched.parent == outcome.parent)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["2", "2.0", "2e0", "1e23"])
    func `an offset counts in every form of a number`(offset: String) async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "abc")
            try await fixture.grant("filesystem:workspace:a", [.read])
            let result = try await fixture.call("read_text_file", #"{"path": "a", "offset": \#(offset)}"#)
            #expect(offset == "1e23" ? !result.isOK : result.payload["text"] == .string("c"), "\(result)")
        }
    }

    /// Their policy has no sockets; the channel is one all the same.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [("echo", #"{"text": "hällo"}"#, "text"), ("parse_pytest_log", #"{"log": "1 passed in 0.1s"}"#, "passed")])
    func `text tools need no authority and no file`(tool: String, arguments: String, member: String) async throws {
        try await BrokerFixture.with { fixture in
            let result = try await fixture.call(tool, arguments)
            #expect(result.isOK, "\(result)")
            #expect(result.payload[member] == (tool == "echo" ? .string("hällo") : .bool(true)))
            let call = try #require(try await fixture.calls(.completed).first)
            #expect(call.report["policy"]?["name"] != .string("workspace"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `another file is denied without a word about whether it is there`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("token", "secret")
            try fixture.sandbox.file("README", "x")
            try await fixture.grant("filesystem:workspace:README", [.read])
            for tool in ["read_text_file", "read_directory", "delete_file", "delete_directory"] {
                let there = try await fixture.call(tool, #"{"path": "token"}"#)
                let absent = try await fixture.call(tool, #"{"path": "tokem"}"#)
                #expect(there.decision == .deny && absent.decision == .deny)
                #expect(there.error?.replacing("token", with: "X") == absent.error?.replacing("tokem", with: "X"), "no oracle")
            }
            #expect(HostFile.exists(fixture.sandbox.path("token")))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the policy's denials hold above every capability`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file(".env", "SECRET=1")
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            for (tool, arguments) in [
                ("read_text_file", #"{"path": ".env"}"#), ("write_text_file", #"{"path": ".env", "text": "x"}"#),
                ("delete_file", #"{"path": ".env"}"#), ("write_text_file", #"{"path": ".git/hooks/pre-commit", "text": "x"}"#),
            ] {
                let result = try await fixture.call(tool, arguments)
                #expect(result.decision == .deny, "\(tool)")
                #expect(result.denial?.rule.contains("guarded.yaml") == true || result.denial?.rule.contains("workspace.yaml") == true)
            }
            #expect(try HostFile.text(fixture.sandbox.path(".env")) == "SECRET=1")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `writing replaces a file in one step and keeps its owner and mode`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.write])
            let made = try await fixture.call("write_text_file", #"{"path": "new", "text": "one"}"#)
            #expect(made.isOK, "\(made.error ?? "")")
            try fixture.sandbox.file("script", "old", mode: 0o750)
            let before = try HostFile.identity(fixture.sandbox.path("script"))
            let result = try await fixture.call("write_text_file", #"{"path": "script", "text": "two\n"}"#)
            #expect(result.isOK, "\(result.error ?? "")")
            #expect(try HostFile.text(fixture.sandbox.path("new")) == "one")
            #expect(try HostFile.text(fixture.sandbox.path("script")) == "two\n")
            let after = try HostFile.identity(fixture.sandbox.path("script"))
            #expect(after.mode == before.mode && after.uid == before.uid)
            #expect(after.inode != before.inode, "the old file is left whole for who has it open")
            #expect(try HostFile.names(fixture.sandbox.workspace) == ["new", "script"], "nothing else is left")
            #expect(try await fixture.audit("external.filesystem.write_text").count == 2)
            let written = try await fixture.events(of: .externalWrite)
            #expect(written.map { $0.payload["path"] } == [.string("new"), .string("script")])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `links are not followed, whichever way they lead`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            let outside = fixture.sandbox.scratch.path + "/outside"
            try HostFile.makeDirectory(outside)
            try HostFile.write(outside + "/secret", "canary", mode: 0o666)
            try fixture.sandbox.link("file", to: outside + "/secret")
            try fixture.sandbox.link("dir", to: outside)
            try fixture.sandbox.file("real", "x")
            try fixture.sandbox.link("inner", to: "real")
            for (tool, arguments) in [
                ("read_text_file", #"{"path": "file"}"#), ("read_text_file", #"{"path": "dir/secret"}"#),
                ("read_text_file", #"{"path": "inner"}"#), ("write_text_file", #"{"path": "file", "text": "x"}"#),
                ("write_text_file", #"{"path": "dir/new", "text": "x"}"#), ("read_directory", #"{"path": "dir"}"#),
                ("write_directory", #"{"path": "dir/new"}"#), ("delete_file", #"{"path": "dir/secret"}"#),
                ("delete_directory", #"{"path": "dir", "recursive": true}"#),
            ] {
                let result = try await fixture.call(tool, arguments)
                #expect(!result.isOK, "\(tool) \(arguments)")
            }
            #expect(try HostFile.names(outside) == ["secret"])
            #expect(try HostFile.text(outside + "/secret") == "canary")
            // A link's own name may go.
            #expect(try await fixture.call("delete_file", #"{"path": "file"}"#).isOK)
            #expect(HostFile.exists(outside + "/secret"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a directory exchanged for a link during a write changes nothing about where it goes`() throws {
        let scratch = try ScratchDirectory("swap")
        defer { scratch.remove() }
        for name in ["/ws", "/ws/dir", "/outside"] { try HostFile.makeDirectory(scratch.path + name) }
        try HostFile.write(scratch.path + "/outside/file", "victim")
        let files = try WorkspaceFiles(path: scratch.path + "/ws")
        let place = WorkspacePath(components: ["dir", "file"])
        let replacement = try files.replacement(of: place, mayOverwrite: true)
        try Transfer.writeAll(replacement.content.rawValue, Array("new".utf8))
        // Between opening and commit somebody moves the directory away and plants a link.
        #expect(rename(scratch.path + "/ws/dir", scratch.path + "/ws/moved") == 0)
        #expect(symlink(scratch.path + "/outside", scratch.path + "/ws/dir") == 0)
        try replacement.commit()
        #expect(try HostFile.text(scratch.path + "/outside/file") == "victim")
        #expect(try HostFile.text(scratch.path + "/ws/moved/file") == "new")
    }

    @Test(.timeLimit(.minutes(1))) func `a file that somebody else changed or made meanwhile is not overwritten`() throws {
        let scratch = try ScratchDirectory("race")
        defer { scratch.remove() }
        try HostFile.makeDirectory(scratch.path + "/ws")
        let path = scratch.path + "/ws/file"
        let files = try WorkspaceFiles(path: scratch.path + "/ws")
        let place = WorkspacePath(components: ["file"])
        let fresh = try files.replacement(of: place, mayOverwrite: true)
        try HostFile.write(path, "theirs")
        #expect(throws: LibOSError.self) { try fresh.commit() }
        let second = try files.replacement(of: place, mayOverwrite: true)
        #expect(unlink(path) == 0)
        #expect(symlink("/etc/passwd", path) == 0)
        #expect(throws: LibOSError.self) { try second.commit() }
        #expect(HostFile.linkTarget(path) == "/etc/passwd")
        #expect(try HostFile.names(scratch.path + "/ws") == ["file"], "no temporary name is left")
    }

    @Test(.timeLimit(.minutes(1))) func `directories: listed in order, made, deleted, and the root stays`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            #expect(try await fixture.call("write_directory", #"{"path": "d"}"#).isOK)
            #expect(try await fixture.call("write_directory", #"{"path": "d", "exist_ok": false}"#).isOK == false)
            try fixture.sandbox.file("d/b", "xx")
            try fixture.sandbox.file("d/a", "x")
            try fixture.sandbox.directory("d/sub")
            try fixture.sandbox.file("d/sub/c", "x")
            let listing = try await fixture.call("read_directory", #"{"path": "d"}"#)
            guard case .array(let entries)? = listing.payload["entries"] else {
                Issue.record("\(listing)")
                return
            }
            #expect(entries.map { $0["name"] } == [.string("a"), .string("b"), .string("sub")])
            #expect(entries.map { $0["kind"] } == [.string("file"), .string("file"), .string("directory")])
            let cut = try await fixture.call("read_directory", #"{"path": "d", "max_entries": 1}"#)
            #expect(cut.payload["truncated"] == .bool(true))
            #expect(try await fixture.call("delete_directory", #"{"path": "d"}"#).isOK == false, "not empty")
            #expect(try await fixture.call("delete_file", #"{"path": "d"}"#).isOK == false, "no file")
            #expect(try await fixture.call("delete_directory", #"{"path": "d", "recursive": true}"#).isOK)
            #expect(!HostFile.exists(fixture.sandbox.path("d")))
            for path in [".", "./", "d/.."] {
                #expect(try await fixture.call("delete_directory", "{\"path\": \"\(path)\", \"recursive\": true}").isOK == false)
            }
            #expect(HostFile.exists(fixture.sandbox.workspace))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a directory that holds something undeletable is left whole`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("d")
            try fixture.sandbox.file("d/a", "x")
            try fixture.sandbox.file("d/keep", "x")
            try await fixture.grant("filesystem:workspace:d", [.delete])
            try await fixture.grant("filesystem:workspace:d/keep", [.delete], effect: .deny)
            let result = try await fixture.call("delete_directory", #"{"path": "d", "recursive": true}"#)
            #expect(result.decision == .deny)
            #expect(try HostFile.names(fixture.sandbox.path("d")) == ["a", "keep"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what is no text, no file or too much is said plainly`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read])
            try fixture.sandbox.directory("dir")
            try HostFile.write(fixture.sandbox.path("binary"))
            let binary = open(fixture.sandbox.path("binary"), O_WRONLY | O_CLOEXEC)
            try Transfer.writeAll(binary, [0xFF, 0xFE, 0x00])
            close(binary)
            #expect(mkfifo(fixture.sandbox.path("pipe"), 0o666) == 0)
            try fixture.sandbox.file("long", String(repeating: "ä", count: 100))
            #expect(try await fixture.call("read_text_file", #"{"path": "dir"}"#).error?.contains("no regular file") == true)
            #expect(try await fixture.call("read_text_file", #"{"path": "pipe"}"#).error?.contains("no regular file") == true)
            #expect(try await fixture.call("read_text_file", #"{"path": "absent"}"#).error?.contains("there is no absent") == true)
            #expect(try await fixture.call("read_text_file", #"{"path": "binary"}"#).error?.contains("UTF-8") == true)
            let cut = try await fixture.call("read_text_file", #"{"path": "long", "max_bytes": 5}"#)
            #expect(cut.payload["text"] == .string("ää") && cut.payload["truncated"] == .bool(true), "cut between characters")
            let rest = try await fixture.call("read_text_file", #"{"path": "long", "offset": 196}"#)
            #expect(rest.payload["text"] == .string("ää") && rest.payload["truncated"] == .bool(false))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `paths begin at the working directory`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("src")
            try fixture.sandbox.file("src/a", "in src")
            try await fixture.grant("filesystem:workspace:src", [.read])
            try await fixture.change { $0.workingDirectory = "src" }
            #expect(try await fixture.call("read_text_file", #"{"path": "a"}"#).payload["text"] == .string("in src"))
            #expect(try await fixture.call("read_text_file", #"{"path": "../a"}"#).decision == .deny)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `objects and files: text goes both ways, each half decided by itself`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("in", "content")
            #expect(try await fixture.call("create_object_from_file", #"{"path": "in"}"#).decision == .deny)
            try await fixture.grant("filesystem:workspace:in", [.read])
            fixture.kernel.answer("memory.create_object", .value(.object(["oid": .string("obj_1")])))
            #expect(try await fixture.call("create_object_from_file", #"{"path": "in", "name": "n"}"#).payload["oid"] == .string("obj_1"))
            let made = try #require(fixture.kernel.calls.last)
            #expect(made.arguments["payload"]?["text"] == .string("content") && made.arguments["name"] == .string("n"))
            #expect(made.arguments["path"] == nil)

            fixture.kernel.answer("memory.read_object", .value(.object(["payload": .object(["text": .string("back")])])))
            #expect(try await fixture.call("write_object_to_file", #"{"oid": "obj_1", "path": "out"}"#).decision == .deny)
            try await fixture.grant("filesystem:workspace:out", [.write])
            #expect(try await fixture.call("write_object_to_file", #"{"oid": "obj_1", "path": "out"}"#).isOK)
            #expect(try HostFile.text(fixture.sandbox.path("out")) == "back")
        }
    }

    /// Between the decision about each name and the deletion something may have come: nobody decided about that.
    @Test(.timeLimit(.minutes(1))) func `what came after the look is not deleted with the rest`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("d")
            try fixture.sandbox.file("d/a", "A")
            let files = try WorkspaceFiles(path: fixture.sandbox.workspace)
            let place = try WorkspacePath.resolve("d")
            let seen = try files.contents(of: place)
            try fixture.sandbox.file("d/.env", "SECRET")
            let arguments = try json(#"{"path": "d", "recursive": true}"#)
            let call = try FileCall.read(Syscall(name: "filesystem.delete_directory", arguments: arguments), workingDirectory: ".")
            #expect(throws: LibOSError.self) { try call.perform(in: files, deleting: seen) }
            #expect(try HostFile.text(fixture.sandbox.path("d/.env")) == "SECRET")
        }
    }
}

extension JSONValue {
    /// The same members in the order of another object, for comparing.
    func sortedLike(_ other: JSONValue) -> JSONValue {
        guard case .object(let wanted) = other, case .object(let members) = self, members.count == wanted.count else { return self }
        return .object(wanted.compactMap { key in members.first { $0.key == key.key } })
    }
}

extension BrokerFixture {
    func events(of type: EventType) async throws -> [RuntimeEvent] {
        let store = store
        return try await store.read { reading throws(LibOSError) in
            var found: [RuntimeEvent] = []
            for path in ["new", "script"] {
                found += try reading.events(for: "filesystem:workspace:\(path)", after: nil, limit: 100).filter { $0.type == type }
            }
            return found
        }
    }
}
