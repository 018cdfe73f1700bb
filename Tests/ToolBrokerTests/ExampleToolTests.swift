internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxTestSupport
internal import StrictJSON
import TestSupport
internal import Testing
internal import ToolBroker

/// The examples for people who write tools, run as they stand: in Python, in shell and in C.
@Suite struct ExampleToolTests {
    private static let directory = Products.policies + "/../sandbox/workers"

    /// The examples copied to where a sandboxed tool of any user can read them, the C one built when there is a compiler.
    private func prepare(_ fixture: BrokerFixture) throws -> String {
        let place = fixture.sandbox.scratch.path + "/tools"
        for name in ["", "/examples", "/python"] { try HostFile.makeDirectory(place + name) }
        for (folder, names) in [
            ("examples", ["count_words.py", "count_words.yaml", "largest_files.sh", "largest_files.yaml", "checksum.c", "checksum.yaml"]),
            ("python", ["glovebox_tool.py"]),
        ] {
            for name in names { try HostFile.write("\(place)/\(folder)/\(name)", try HostFile.text("\(Self.directory)/\(folder)/\(name)")) }
        }
        return place + "/examples"
    }

    private func addTool(_ path: String, to fixture: BrokerFixture) async throws {
        let tool = try ToolRegistry.read(path)
        try fixture.broker.registry.register(tool)
        try await fixture.change { $0.toolTable[tool.name] = tool.spec.id }
    }

    private static let hasExamples = HostFile.exists(directory + "/examples/count_words.py")

    @Test(.timeLimit(.minutes(1)), .enabled(if: hasExamples && HostFile.exists("/usr/bin/python3"), "needs the checkout and Python"))
    func `the Python example counts words in a file that was handed over`() async throws {
        try await BrokerFixture.with { fixture in
            let examples = try prepare(fixture)
            try await addTool(examples + "/count_words.yaml", to: fixture)
            try fixture.sandbox.file("text", "one two\nthree\n")
            try await fixture.grant("filesystem:workspace:text", [.read])
            let result = try await fixture.call("count_words", #"{"path": "text"}"#)
            #expect(result.payload == (try json(#"{"lines": 2, "words": 3}"#)), "\(result)")
            #expect(try await fixture.call("count_words", #"{"path": "other"}"#).decision == .deny)
        }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: hasExamples, "needs the checkout"))
    func `the shell example sees the directory that it was called for`() async throws {
        try await BrokerFixture.with { fixture in
            let examples = try prepare(fixture)
            try await addTool(examples + "/largest_files.yaml", to: fixture)
            try fixture.sandbox.directory("d")
            try fixture.sandbox.file("d/small", "x")
            try fixture.sandbox.file("d/large", "xxxx")
            try fixture.sandbox.file("elsewhere", "xxxxxxxx")
            try await fixture.grant("filesystem:workspace:*", [.read])
            let result = try await fixture.call("largest_files", #"{"path": "d"}"#)
            #expect(result.payload["stdout"] == .string("4\td/large\n1\td/small\n"), "\(result)")
        }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: hasExamples && HostFile.exists("/usr/bin/cc"), "needs the checkout and a C compiler"))
    func `the C example computes a checksum`() async throws {
        try await BrokerFixture.with { fixture in
            let examples = try prepare(fixture)
            let built = try BareProcess.run(
                ["/usr/bin/cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", examples + "/checksum", examples + "/checksum.c"],
                workingDirectory: examples)
            try #require(HostFile.exists(examples + "/checksum"), "\(built)")
            try await addTool(examples + "/checksum.yaml", to: fixture)
            try fixture.sandbox.file("data", "123456789")
            try await fixture.grant("filesystem:workspace:data", [.read])
            let result = try await fixture.call("checksum", #"{"path": "data"}"#)
            #expect(result.payload["crc32"] == .string("cbf43926") && result.payload["size_bytes"] == .int(9), "\(result)")
        }
    }

    /// The module's own rules: refusals are exceptions, bugs are a line in the log, and a child has no channel.
    @Test(
        .timeLimit(.minutes(2)), .enabled(if: hasExamples && HostFile.exists("/usr/bin/python3"), "needs the checkout and Python"),
        arguments: [
            (#"return call.libos("clock.now")"#, true, #"{"now":"noon"}"#),
            (#"return {"denied": refused(call)}"#, true, #"{"denied":"capability"}"#),
            (#"return {"denied": refused(call, "filesystem.delete_file")}"#, true, #"{"denied":"manifest"}"#),
            (#"return float("nan")"#, false, "the tool failed: ValueError"),
            (#"return object()"#, false, "the tool failed: TypeError"),
            (#"raise RuntimeError("\x1b[2J secret")"#, false, "the tool failed: RuntimeError"),
            (#"raise glovebox_tool.ToolError("later", "transient_error", retryable=True)"#, false, "later"),
            (#"return subprocess.run(["/bin/sh", "-c", "ls /proc/self/fd; echo forged >&3"], capture_output=True).returncode"#, true, "2"),
            (#"call.progress("half", 0.5); return "ö", "text""#, true, #""ö""#),
        ])
    func `the Python module`(body: String, isOK: Bool, outcome: String) async throws {
        try await BrokerFixture.with { fixture in
            let examples = try prepare(fixture)
            try HostFile.write(
                examples + "/t.py",
                """
                import os, subprocess, sys
                sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
                import glovebox_tool
                def refused(call, name="filesystem.read_text"):
                    try:
                        call.libos(name, path="a")
                    except glovebox_tool.LibOSError as error:
                        return error.denial["layer"]
                @glovebox_tool.tool
                def run(call):
                    \(body)
                glovebox_tool.serve(run)
                """)
            try HostFile.write(
                examples + "/t.yaml",
                """
                manifest: 1
                name: t
                description: t
                protocol: channel
                run: [/usr/bin/python3, -I, ./t.py]
                files: [./t.py, ../python]
                syscalls: [clock.now, filesystem.read_text]
                policy: python
                input: {type: object, additionalProperties: false}
                """)
            try await addTool(examples + "/t.yaml", to: fixture)
            fixture.kernel.answer("clock.now", .value(.object(["now": .string("noon")])))
            let result = try await fixture.call("t", "{}")
            #expect(result.isOK == isOK, "\(result)")
            #expect(isOK ? result.payload.canonicalText == outcome : result.error == outcome, "\(result)")
        }
    }
}
