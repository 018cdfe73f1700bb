import ArgumentParser
import CommandOutput
import SandboxPolicy
import Testing

@testable import GloveboxCommands

@Suite struct RunArgumentsTests {
    private func read(_ line: String) throws -> RunArguments {
        guard case .run(let arguments) = try RunArguments.read(line.split(separator: " ").map(String.init)) else {
            throw CommandFailure.usage("help")
        }
        return arguments
    }

    @Test func everyOptionInBothForms() throws {
        var expected = RunArguments()
        expected.policy = "build"
        expected.workspace = .init(path: "/srv/app", isWritable: false)
        expected.allow = ["filesystem:host:/opt/data=read,execute", "network:loopback"]
        expected.deny = ["filesystem:workspace:.env"]
        expected.environment = ["A": "b=c", "B": ""]
        expected.timeout = 90_000
        expected.json = true
        expected.report = "r.json"
        expected.workingDirectory = "sub"
        expected.quiet = true
        expected.command = ["make", "--policy", "x", "--"]
        let apart = """
            --policy build --workspace /srv/app:ro --allow filesystem:host:/opt/data=read,execute --allow network:loopback \
            --deny filesystem:workspace:.env --env A=b=c --env B= --timeout 90s --json --report r.json --cwd sub --quiet -- make --policy x --
            """
        let joined = """
            -q --cwd=sub --report=r.json --json --timeout=90s --env=A=b=c --env=B= --deny=filesystem:workspace:.env \
            --allow=filesystem:host:/opt/data=read,execute --allow=network:loopback --workspace=/srv/app:ro --policy=build \
            -- make --policy x --
            """
        #expect(try read(apart) == expected)
        #expect(try read(joined) == expected)
    }

    @Test func workspaceEndings() throws {
        #expect(try read("--workspace a:rw -- x").workspace == .init(path: "a", isWritable: true))
        #expect(try read("--workspace a -- x").workspace == .init(path: "a", isWritable: true))
        #expect(try read("--workspace a:ro:rw -- x").workspace == .init(path: "a:ro", isWritable: true))
        #expect(try read("-t -- x").terminal)
    }

    @Test(arguments: ["--help", "-h", "--policy a --help"]) func help(line: String) throws {
        #expect(try RunArguments.read(line.split(separator: " ").map(String.init)) == .help)
    }

    @Test(arguments: [
        ("", "there is no program to run; write it after `--`: glovebox run [options] -- PROGRAM [ARGUMENT…]"),
        ("--", "there is no program after `--`; write: glovebox run [options] -- PROGRAM [ARGUMENT…]"),
        ("--json", "there is no program to run; write it after `--`: glovebox run [options] -- PROGRAM [ARGUMENT…]"),
        ("python3 x.py", "`python3` stands where an option should; put `--` before the program: glovebox run -- python3"),
        ("--polcy a -- x", "unknown option `--polcy`; did you mean `--policy`?"),
        ("--timeuot=3s -- x", "unknown option `--timeuot=3s`; did you mean `--timeout`?"),
        ("-x -- x", "unknown option `-x`; see `glovebox help run`, and put `--` before the program"),
        ("--policy -- x", "--policy needs a value; write --policy P"),
        ("--policy= -- x", "--policy needs a value; write --policy P"),
        ("--policy a --policy b -- x", "--policy is given twice; keep one"),
        ("--json=yes -- x", "--json takes no value; write --json alone"),
        ("--timeout 5 -- x", "--timeout: `5` has no unit; write a whole number and one of h, m, s, ms, for example 60s"),
        ("--timeout -5s -- x", "--timeout: `-5s` is negative; write a whole number and one of h, m, s, ms, for example 60s"),
        ("--env HOME -- x", "--env `HOME` is no NAME=VALUE; to pass a variable of yours on, write --env NAME=\"$NAME\""),
        ("--env =v -- x", "--env `=v` is no NAME=VALUE; to pass a variable of yours on, write --env NAME=\"$NAME\""),
        ("--env A=1 --env A=2 -- x", "--env A is given twice; keep one"),
        ("--workspace :ro -- x", "--workspace `:ro` names no directory; write --workspace DIR:ro"),
        ("-t --json -- x", "--json keeps the output in the report and --terminal shows it; choose one"),
    ]) func refused(line: String, message: String) {
        #expect(throws: CommandFailure(exitCode: 64, message: message)) {
            try RunArguments.read(line.split(separator: " ").map(String.init))
        }
    }

    @Test func emptyProgramName() {
        #expect(throws: CommandFailure(exitCode: 64, message: "the program's name is empty; write its name or path after `--`")) {
            try RunArguments.read(["--", ""])
        }
    }

    /// The help of `run` comes from a second declaration; it must not promise other options than those that are read.
    @Test func helpNamesTheOptionsThatAreRead() {
        let help = GloveboxCommand.helpMessage(for: RunHelp.self, columns: 400)
        let words = help.split { $0 == " " || $0 == "," || $0 == "\n" }.map(String.init).filter { $0.hasPrefix("--") && $0.count > 2 }
        #expect(Set(words) == Set(RunArguments.options.map(\.name)).union(["--version"]))
    }
}
