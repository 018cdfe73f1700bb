import ArgumentParser
import CommandOutput
import LLMExecutor
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct ModelOptionsTests {
    private static let environment = ["GLOVEBOX_MODEL": "theirs", "GLOVEBOX_MODEL_URL": "http://127.0.0.1:1/v1"]

    private func settings(
        _ words: [String], _ environment: [String: String] = Self.environment, workspace: String = "/srv/project"
    ) throws -> ChatSettings {
        try ModelOptions.parse(words).settings(workspace: workspace) { environment[$0] }
    }

    @Test func optionsComeBeforeTheEnvironment() throws {
        #expect(try settings([]).model == "theirs")
        let found = try settings([
            "--model", "mine", "--model-url", "https://example.org/v1", "--model-timeout", "2m", "--model-stall-timeout", "1500ms",
        ])
        #expect(found.model == "mine" && found.baseURL == "https://example.org/v1")
        #expect(found.timeout == 120 && found.stallTimeout == 1.5)
        #expect(try settings(["--model-url", "http://192.0.2.1", "--model-allow-http"]).allowsPlainHTTP)
    }

    @Test func theKeyComesFromAFileOutsideTheWorkspace() throws {
        let scratch = try ScratchDirectory("model-key")
        let file = try scratch.file("key", "sk-of-the-file\n")
        #expect(try settings(["--model-key-file", file]).key?.value == "sk-of-the-file")
        for workspace in [scratch.path, "/"] {
            let failure = #expect(throws: CommandFailure.self) { try settings(["--model-key-file", file], workspace: workspace) }
            #expect(failure?.message.contains("lies in the workspace") == true, "\(failure?.message ?? "")")
        }
        let marked = try scratch.file("\u{301}key", "sk-of-the-file\n")
        #expect(throws: CommandFailure.self) { try settings(["--model-key-file", marked], workspace: scratch.path) }
        // A name that only begins alike is another directory.
        #expect(try settings(["--model-key-file", file], workspace: String(scratch.path.dropLast())).key != nil)
    }

    @Test func aKeyIsNoOption() {
        #expect(throws: (any Error).self) { try ModelOptions.parse(["--model-key", "sk-x"]) }
    }

    @Test(
        arguments: [
            (["--model-timeout", "soon"], 64, "--model-timeout soon"), (["--model-url", "example.org"], 125, "https://host/v1"),
            (["--model-url", "http://example.org/v1"], 125, "--model-allow-http"),
            (["--model-key-file", "/nowhere"], 125, "--model-key-file"),
            (["--model-key-file", "/dev/null"], 125, "empty"), (["--model-key-file", "/dev/zero"], 125, "/dev/zero"),
            (["--model-timeout", "2h"], 125, "3600"),
        ] as [([String], Int32, String)]) func wrong(words: [String], code: Int32, says: String) throws
    {
        let failure = #expect(throws: CommandFailure.self) { try settings(words) }
        #expect(failure?.exitCode == code && failure?.message.contains(says) == true, "\(failure?.message ?? "")")
    }

    @Test func withoutAModelOrAScript() {
        for environment in [[:], ["GLOVEBOX_MODEL": "m"]] {
            let failure = #expect(throws: CommandFailure.self) { try settings([], environment) }
            #expect(failure?.message.contains("--model") == true, "\(failure?.message ?? "")")
        }
    }

    @Test func aScriptAndAModelExcludeEachOther() {
        #expect(throws: (any Error).self) { try AgentRunCommand.parse(["--script", "plan.yaml", "--model", "m"]) }
    }
}
