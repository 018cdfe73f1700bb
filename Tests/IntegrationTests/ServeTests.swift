import Glibc
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// `glovebox run` through a server: what a person sees is what a run without one shows.
@Suite("glovebox serve: the same run", .serialized)
struct ServeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Run by a shell in the workspace.
        var script: String
        /// Whether a server takes it; otherwise the client does it itself.
        var isServed = true
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "output and exit code", script: "$GLOVEBOX run -- /bin/sh -c 'echo out; echo err >&2; exit 41'"),
        Case(name: "a signal", script: "$GLOVEBOX run -- /bin/sh -c 'kill -9 $$'"),
        Case(name: "a time limit", script: "$GLOVEBOX run --timeout 300ms -- sleep 1000"),
        Case(name: "output over its limit", script: "$GLOVEBOX run -- /bin/sh -c 'head -c 100000000 /dev/zero' | tail -c 1000 | wc -c"),
        Case(name: "much output", script: "$GLOVEBOX run -- /bin/sh -c 'seq 100000' | md5sum"),
        Case(name: "a refusal with its explanation", script: "$GLOVEBOX run -- /bin/sh -c 'mkdir .git'"),
        Case(name: "no summary", script: "$GLOVEBOX run --quiet --timeout 300ms -- sleep 1000"),
        Case(name: "a program that is not there", script: "$GLOVEBOX run -- no-such-program"),
        Case(name: "a directory as the program", script: "$GLOVEBOX run -- /usr"),
        Case(name: "standard input from a pipe", script: "seq 20000 | $GLOVEBOX run -- md5sum"),
        Case(name: "standard input from a file, from its place on", script: "seq 9 >f; { read x; $GLOVEBOX run -- cat; } <f"),
        Case(name: "a directory as standard input", script: "$GLOVEBOX run -- cat </"),
        Case(name: "no standard input", script: "$GLOVEBOX run -- cat <&-"),
        Case(name: "output that nobody reads", script: "{ $GLOVEBOX run -- seq 1000000; echo $? >code; } | head -n 2; cat code"),
        Case(name: "a variable for the tool", script: "$GLOVEBOX run --env A=b -- /bin/sh -c 'echo $A'"),
        Case(name: "a variable that the policy passes", script: "LANG=xx_YY $GLOVEBOX run -- /bin/sh -c 'echo $LANG'"),
        Case(name: "no other variable", script: "SECRET=x $GLOVEBOX run -- /bin/sh -c 'env | sort'"),
        Case(name: "a directory to start in", script: "mkdir -p sub; $GLOVEBOX run --cwd sub -- pwd"),
        Case(name: "a workspace by a relative path", script: "mkdir -p sub; $GLOVEBOX run --workspace ./sub -- pwd"),
        Case(name: "a workspace that is read only", script: "$GLOVEBOX run --workspace .:ro -- touch x; ls x"),
        Case(
            name: "a policy by a relative path",
            script: "printf 'version: 1\\nname: p\\nextends: workspace\\nlimits: {wall: 300ms}\\n' >p.yaml; "
                + "$GLOVEBOX run --policy ./p.yaml -- sleep 1000"),
        Case(name: "a policy by its name", script: "$GLOVEBOX run --policy compute -- /bin/sh -c 'ls; pwd'"),
        Case(name: "more denied", script: "$GLOVEBOX run --deny filesystem:workspace:x=write -- touch x"),
        Case(name: "who made the files", script: "$GLOVEBOX run -- touch made; stat -c %u:%a made"),
        Case(
            name: "the report file, by a relative path, in a directory of the client's",
            script: "umask 022; mkdir -p r; cd r; $GLOVEBOX run --report out.json --workspace .. -- true; stat -c %a out.json; "
                + "grep -c '\"exit_code\": 0' out.json"),
        Case(
            name: "JSON",
            script: "$GLOVEBOX run --json -- /bin/sh -c 'echo out; exit 3' | grep -E 'exit_code|\"head\"|total|\"text\"'; true"),
        Case(name: "a deleted directory", script: "mkdir gone; cd gone; rmdir ../gone; $GLOVEBOX run -- true", isServed: false),
        Case(name: "an unknown option", script: "$GLOVEBOX run --polcy x -- true", isServed: false),
        Case(name: "an unknown policy", script: "$GLOVEBOX run --policy workspce -- true", isServed: false),
        Case(name: "a missing workspace", script: "$GLOVEBOX run --workspace ./absent -- true", isServed: false),
        Case(name: "a report nowhere", script: "$GLOVEBOX run --report absent/r.json -- true", isServed: false),
        Case(
            name: "a policy by descriptor",
            script: "printf 'version: 1\\nname: p\\nextends: workspace\\n' >p.yaml; "
                + "$GLOVEBOX run --policy /proc/self/fd/7 -- echo ran 7<p.yaml", isServed: false),
        Case(
            name: "more than one message holds",
            script: "x=$(head -c 100000 /dev/zero | tr '\\0' x); $GLOVEBOX run -- /bin/sh -c 'echo $#' - $x $x", isServed: false),
        Case(name: "a word that is not UTF-8", script: "$GLOVEBOX run -- echo \"$(printf '\\377')\"", isServed: false),
        Case(name: "an umask that takes from the owner", script: "umask 0700; $GLOVEBOX run -- echo ran", isServed: false),
    ]

    /// Without what differs between any two runs: addresses and process numbers.
    private static func comparable(_ text: String) -> String {
        text.replacing(#/0x[0-9a-f]+/#, with: "0x…").replacing(#/\[[0-9]+\]/#, with: "[…]")
    }

    @Test(.timeLimit(.minutes(5)))
    func `a run through a server is a run`() throws {
        try ServeFixture.with { fixture in
            for item in Self.cases {
                let local = try fixture.shell(item.script, served: false)
                _ = try fixture.shell("rm -rf ./* .git", served: false)
                let before = try fixture.counts()
                let served = try fixture.shell(item.script)
                let after = try fixture.counts()
                _ = try fixture.shell("rm -rf ./* .git", served: false)
                #expect(served.code == local.code, "\(item.name): \(served.errorOutput)")
                #expect(Self.comparable(served.output) == Self.comparable(local.output), "\(item.name)")
                #expect(Self.comparable(served.errorOutput) == Self.comparable(local.errorOutput), "\(item.name)")
                #expect(after.served - before.served == (item.isServed ? 1 : 0), "\(item.name): \(after.reason ?? "")")
            }
            #expect(try fixture.shell("true").code == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `who wants no server goes without`() throws {
        try ServeFixture.with { fixture in
            for script in ["$GLOVEBOX run --no-server -- echo ran", "GLOVEBOX_SERVER=off $GLOVEBOX run -- echo ran"] {
                #expect(try fixture.shell(script).output == "ran\n")
            }
            let counts = try fixture.counts()
            #expect(counts == .init(served: 0, declined: 0, reason: nil))
        }
    }

    /// The second call of a kind finds a sandbox that stands ready, and says so.
    @Test(.timeLimit(.minutes(2)))
    func `prepared sandboxes are used`() throws {
        try ServeFixture.with { fixture in
            var launches: [String] = []
            for _ in 0..<40 where launches.last != "prepared" {
                let ended = try fixture.glovebox(["run", "--json", "--", "/bin/true"])
                launches.append(ended.output.contains("\"launch\": \"prepared\"") ? "prepared" : "cold")
            }
            #expect(launches.first == "cold")
            #expect(launches.last == "prepared")
            let pool = try fixture.glovebox(["pool", "--socket", fixture.socket])
            #expect(pool.code == 0)
            #expect(pool.output.contains("runs under way"))
        }
    }

    /// The variables that count are the client's, also those that the server does not have or has otherwise.
    @Test(.timeLimit(.minutes(2)))
    func `a waiting interpreter starts with the client's variables`() throws {
        try ParkedPythonLibrary.require()
        try ServeFixture.with { fixture in
            let script = "LANG=xx_YY $GLOVEBOX run --json -- python3 -c 'import os; print(\"LANG is\", os.environ[\"LANG\"])'"
            var isParked = false
            for _ in 0..<60 where !isParked {
                let ended = try fixture.shell(script)
                #expect(ended.output.contains("LANG is xx_YY"))
                isParked = ended.output.contains("\"launch\": \"parked\"")
            }
            #expect(isParked)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `many clients at once get what is theirs`() throws {
        try ServeFixture.with { fixture in
            let script = """
                for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
                  { echo "in $i" | $GLOVEBOX run -- /bin/sh -c "cat; echo err $i >&2; ls /proc/self/fd | wc -l; exit $i" \
                    >out.$i 2>err.$i; echo $? >code.$i; } & pids="$pids $!"
                done; wait $pids
                for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat out.$i err.$i code.$i; done
                """
            let local = try fixture.shell(script, served: false)
            let served = try fixture.shell(script)
            #expect(served.output == local.output)
            #expect(served.output.contains("in 7\n"))
            #expect(try fixture.counts().served > 0)
        }
    }
}
