import Glibc
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// A workspace with a store of its own, and the built `glovebox` as a person calls it there.
final class AgentFixture {
    let scratch: ScratchDirectory
    let workspace: String
    private let environment: [String]

    init(files: [String: String] = [:]) throws {
        scratch = try ScratchDirectory("agent")
        workspace = scratch.path + "/workspace"
        try HostFile.makeDirectory(workspace)
        for (name, text) in files {
            try HostFile.write(workspace + "/" + name, text, mode: 0o644)
            try HostFile.give(workspace + "/" + name, to: SandboxFixture.workspaceOwner)
        }
        try HostFile.give(workspace, to: SandboxFixture.workspaceOwner)
        environment =
            BareProcess.standardEnvironment + [
                "XDG_STATE_HOME=\(scratch.path)/state", "XDG_CONFIG_HOME=\(scratch.path)/config", "HOME=\(scratch.path)/home",
            ]
    }

    /// Writes a script of planned actions, one a line of YAML, and gives its path.
    func script(_ actions: String) throws -> String { try scratch.file("script.yaml", actions) }

    func glovebox(_ words: [String], seconds: UInt64 = 60) throws -> BareProcess.Ended {
        try BareProcess.run([Products.glovebox] + words, environment: environment, workingDirectory: workspace, seconds: seconds)
    }

    /// A program with the fixture's environment, beside which `GLOVEBOX` names the program under test.
    func run(_ words: [String]) throws -> BareProcess.Ended {
        try BareProcess.run(words, environment: environment + ["GLOVEBOX=" + Products.glovebox], workingDirectory: workspace, seconds: 60)
    }

    /// Starts a command in the background; whoever starts it ends it with `BareProcess.end`.
    func start(_ words: [String], output: Int32) throws -> Int32 {
        try BareProcess.spawn(
            [Products.glovebox] + words, environment: environment, workingDirectory: workspace, output: output, error: output)
    }

    /// What a command prints with `--json`.
    func json(_ words: [String]) throws -> JSONValue {
        let ended = try glovebox(words + ["--json"])
        return try #require(try? parse(ended.output), "\(ended.errorOutput)")
    }

    func parse(_ text: String) throws -> JSONValue {
        try JSONDocument.read(Array(text.utf8), bounds: DocumentBounds(bytes: 16 << 20, depth: 128, nodes: 1_000_000)).value
    }

    /// Spawns an agent and gives its id.
    func spawn(_ words: [String]) throws -> String {
        let ended = try glovebox(["agent", "spawn"] + words)
        #expect(ended.code == 0, "\(ended.errorOutput)")
        return try #require(ended.output.split(separator: "\n").first.map(String.init))
    }

    func process(_ id: String) throws -> JSONValue { try json(["agent", "show", id]) }

    /// Decisions of all audit records of an action.
    func audit(_ action: String) throws -> [JSONValue] {
        try items(try json(["audit", "list", "--action", action, "--limit", "10000"])["records"])
    }

    func items(_ value: JSONValue?) throws -> [JSONValue] {
        guard case .array(let items)? = value else { throw Missing() }
        return items
    }

    func text(_ name: String) throws -> String { try HostFile.text(workspace + "/" + name) }

    struct Missing: Error {}
}
