import Glibc
import LinuxPrimitives
import SandboxTestSupport
import TestSupport
import Testing

/// The built program as a person meets it: what it prints, where, and its exit code.
@Suite("glovebox run, from the shell")
struct CommandLineTests {
    /// Runs the program with a scratch workspace as its current directory.
    private func glovebox(_ words: [String], workspace: String) throws -> BareProcess.Ended {
        try BareProcess.run([Products.glovebox] + words, workingDirectory: workspace)
    }

    private func withWorkspace(_ body: (String) throws -> Void) throws {
        let scratch = try ScratchDirectory("command-line")
        defer { scratch.remove() }
        let workspace = scratch.path + "/workspace"
        try HostFile.makeDirectory(workspace)
        try body(workspace)
    }

    @Test(.timeLimit(.minutes(2)))
    func `the tool's own output and exit code pass through`() throws {
        try withWorkspace { workspace in
            let ended = try glovebox(["run", "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 41"], workspace: workspace)
            #expect(ended.code == 41)
            #expect(ended.output == "out\n")
            #expect(ended.errorOutput == "err\n")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a refusal says why, where, and what would allow it`() throws {
        try withWorkspace { workspace in
            let ended = try glovebox(["run", "--", "/bin/sh", "-c", "mkdir .git"], workspace: workspace)
            #expect(ended.code == 1)
            #expect(ended.errorOutput.contains("refused mkdir"))
            #expect(ended.errorOutput.contains("workspace.yaml:"))
            #expect(!HostFile.exists(workspace + "/.git"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the report file has the run in it and is for its owner alone`() throws {
        try withWorkspace { workspace in
            let report = workspace + "/../report.json"
            let ended = try glovebox(["run", "--report", report, "--", "/bin/true"], workspace: workspace)
            #expect(ended.code == 0)
            let text = try HostFile.text(report)
            #expect(text.contains("\"schema\": \"glovebox.run/1\"") || text.contains("\"schema\":\"glovebox.run/1\""))
            #expect(text.contains("landlock"))
            #expect(try HostFile.identity(report).mode & 0o777 == 0o600)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var words: [String]
        var code: Int32
        var says: String
        var testDescription: String { name }
    }

    /// Nothing runs, nothing is left, one line says what is wrong.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            Case(name: "unknown option", words: ["run", "--polcy", "x", "--", "touch", "ran"], code: 64, says: "--policy"),
            Case(name: "no command", words: ["run"], code: 64, says: "--"),
            Case(name: "unknown policy", words: ["run", "--policy", "workspce", "--", "touch", "ran"], code: 125, says: "workspace"),
            Case(
                name: "unreadable policy file", words: ["run", "--policy", "./none.yaml", "--", "touch", "ran"], code: 125,
                says: "none.yaml"),
            Case(name: "missing workspace", words: ["run", "--workspace", "./absent", "--", "touch", "ran"], code: 125, says: "absent"),
            Case(name: "a link as the workspace", words: ["run", "--workspace", "./link", "--", "touch", "ran"], code: 125, says: "link"),
            Case(name: "the root as the workspace", words: ["run", "--workspace", "/", "--", "touch", "ran"], code: 125, says: "/"),
            Case(
                name: "a system directory as the workspace", words: ["run", "--workspace", "/usr", "--", "touch", "ran"], code: 125,
                says: "/usr"),
            Case(name: "a bad duration", words: ["run", "--timeout", "soon", "--", "touch", "ran"], code: 64, says: "soon"),
            Case(name: "a resource without kind", words: ["run", "--allow", "/opt=read", "--", "touch", "ran"], code: 64, says: "/opt"),
            Case(name: "a program that is not there", words: ["run", "--", "no-such-program"], code: 127, says: "no-such-program"),
            Case(name: "a directory as the program", words: ["run", "--", "/usr"], code: 126, says: "/usr"),
        ])
    func `bad input`(_ item: Case) throws {
        try withWorkspace { workspace in
            _ = try? HostFile.makeDirectory(workspace + "/target")
            symlink(workspace + "/target", workspace + "/link")
            let ended = try glovebox(item.words, workspace: workspace)
            #expect(ended.code == item.code, "\(ended.errorOutput)")
            #expect(ended.output.isEmpty)
            #expect(ended.errorOutput.contains(item.says), "\(ended.errorOutput)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
            #expect(!HostFile.exists(workspace + "/ran"))
        }
    }

    /// A single argument over the kernel's bound cannot even reach the program; many that are too much together can, where the stack
    /// may be large.
    @Test(.timeLimit(.minutes(2)))
    func `more arguments than the kernel takes are refused, and nothing runs`() throws {
        try withWorkspace { workspace in
            let script = """
                ulimit -s 65536 && word=$(head -c 120000 /dev/zero | tr '\\0' x) && set -- && \
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do set -- "$@" "$word"; done && \
                exec "$GLOVEBOX" run -- touch ran "$@"
                """
            let ended = try BareProcess.run(
                ["/bin/sh", "-c", script], environment: BareProcess.standardEnvironment + ["GLOVEBOX=" + Products.glovebox],
                workingDirectory: workspace)
            #expect(ended.code == 125, "\(ended.errorOutput.prefix(300))")
            #expect(ended.errorOutput.contains("the arguments have 2400"), "\(ended.errorOutput.prefix(300))")
            #expect(ended.errorOutput.split(separator: "\n").count == 1)
            #expect(!HostFile.exists(workspace + "/ran"))
        }
    }

    /// 131000 bytes are an argument that Linux takes, and a name that it does not; more is said of it than a pipe holds.
    @Test(.timeLimit(.minutes(2)))
    func `a long argument reaches the tool`() throws {
        try withWorkspace { workspace in
            let long = String(repeating: "x", count: 131_000)
            let ended = try glovebox(["run", "--", "touch", "ran", long], workspace: workspace)
            #expect(ended.code == 1)
            #expect(ended.errorOutput.contains("File name too long"), "\(ended.errorOutput.suffix(300))")
            #expect(HostFile.exists(workspace + "/ran"))
        }
    }

    struct PolicyCase: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        /// `:line:column` of the complaint, and a word of it.
        var place: String
        var says: String
        var testDescription: String { name }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            PolicyCase(name: "unknown key", text: "version: 1\nname: p\nextends: runtime\nlimts: {}\n", place: ":4:1", says: "limits"),
            PolicyCase(name: "duplicate key", text: "version: 1\nname: p\nname: q\n", place: ":3:1", says: "name"),
            PolicyCase(name: "wrong type", text: "version: 1\nname: p\ncapabilities: yes\n", place: ":3:15", says: "list"),
            PolicyCase(
                name: "bad size", text: "version: 1\nname: p\nextends: runtime\nlimits: {memory: lots}\n", place: ":4:18", says: "lots"),
            PolicyCase(name: "newer version", text: "version: 2\nname: p\n", place: ":1:10", says: "2"),
        ])
    func `a bad policy file is named with line and column`(_ item: PolicyCase) throws {
        try withWorkspace { workspace in
            let file = workspace + "/../p.yaml"
            try HostFile.write(file, item.text)
            let ended = try glovebox(["run", "--policy", "../p.yaml", "--", "touch", "ran"], workspace: workspace)
            #expect(ended.code == 125)
            #expect(ended.errorOutput.contains("p.yaml" + item.place), "\(ended.errorOutput)")
            #expect(ended.errorOutput.contains(item.says), "\(ended.errorOutput)")
            #expect(!HostFile.exists(workspace + "/ran"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `policy check answers with its exit code`() throws {
        try withWorkspace { workspace in
            let allowed = try glovebox(["policy", "check", "workspace", "filesystem:workspace:src/a read"], workspace: workspace)
            #expect(allowed.code == 0)
            let denied = try glovebox(["policy", "check", "workspace", "filesystem:workspace:.env read"], workspace: workspace)
            #expect(denied.code == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `every shipped policy explains itself and passes its own examples`() throws {
        try withWorkspace { workspace in
            for name in ["runtime", "guarded", "compute", "read-only", "workspace", "shell", "python", "build"] {
                let explained = try glovebox(["policy", "explain", name, "--workspace", workspace], workspace: workspace)
                #expect(explained.code == 0, "\(name): \(explained.errorOutput)")
                #expect(explained.output.contains("Files it can reach"), "\(name)")
                let tested = try glovebox(["policy", "test", name], workspace: workspace)
                #expect(tested.code == 0, "\(name): \(tested.output)\(tested.errorOutput)")
            }
        }
    }
}
