import CapabilityLanguage
import Glibc
import SandboxPolicy
import StrictJSON
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite("What a hook answers")
struct HookDeciderTests {
    private static let rules = """
        version: 1
        name: hook
        capabilities:
          - {allow: "filesystem:workspace:*", rights: [read, write]}
          - {ask: "filesystem:workspace:drafts", rights: [write], because: "mine"}
          - {deny: "filesystem:workspace:.env", because: "secret"}
          - {deny: "filesystem:workspace:drafts/keys", because: "secret"}
          - {deny: "filesystem:host:/etc/shadow", because: "secret"}
          - {deny: "filesystem:workspace:secrets.txt", because: "secret"}
          - {deny: "filesystem:workspace:conf", because: "secret"}
          - {deny: "filesystem:workspace:.git/hooks", rights: [write, delete], because: "git runs them"}
          - {allow: "process:spawn"}
          - {allow: "shell:cat"}
          - {allow: "shell:cp"}
          - {allow: "shell:grep"}
          - {allow: "shell:ls"}
          - {allow: "shell:cd"}
          - {allow: "filesystem:host:/usr", rights: [read, execute]}
          - {allow: "shell:git"}
          - {allow: "shell:env"}
          - {deny: "shell:curl", because: "leaves"}
          - {allow: "network:tcp:docs.example.org:443"}
          - {deny: "network:tcp:bad.example.org:*", because: "bad"}
          - {allow: "mcp:files:read"}
          - {ask: "mcp:files:write", because: "changes"}
          - {deny: "mcp:files:remove", because: "gone"}
          - {deny: "mcp:a:b__c", because: "no"}
        """

    private let scratch: ScratchDirectory
    private let decider: HookDecider

    init() throws {
        scratch = try ScratchDirectory("hook")
        try scratch.directory("project/drafts")
        try scratch.directory("project/src")
        try scratch.directory("project/conf")
        try scratch.file("project/conf/key.pem", "x")
        try scratch.file("project/secrets.txt", "x")
        try scratch.directory("outside")
        try scratch.file("project/.env", "x")
        try scratch.file("project/a", "x")
        try scratch.link("project/env-link", to: ".env")
        try scratch.link("project/out", to: "../outside")
        try scratch.link("project/dangling", to: "../outside/new")
        let policy = try PolicyLoader.load(Array(Self.rules.utf8), fileName: "hook.yaml") { name throws(PolicyError) in
            throw PolicyError(file: name, message: "none", mend: "none")
        }
        let real = try #require(realpath(scratch.path + "/project", nil))
        decider = HookDecider(policy: policy, workspace: String(cString: real))
        free(real)
    }

    private func effect(_ tool: String, _ input: JSONValue) -> Effect {
        decider.decide(HookRequest(tool: tool, input: input, workingDirectory: decider.workspace, session: "s")).effect
    }

    @Test func `files are decided by their real paths`() {
        func read(_ path: String) -> Effect { effect("Read", .object(["file_path": .string(path)])) }
        func write(_ path: String) -> Effect { effect("Write", .object(["file_path": .string(path), "content": .string("")])) }
        #expect(read("a") == .allow)
        #expect(read(decider.workspace + "/a") == .allow)
        #expect(read(".env") == .deny)
        #expect(read("env-link") == .deny)
        #expect(read("drafts/../.env") == .deny)
        #expect(read("out/x") == .deny)
        #expect(read("/etc/shadow") == .deny)
        #expect(read("/etc/hostname") == .deny)
        #expect(read("~/x") == .ask)
        #expect(read(".ENV") == .deny)
        #expect(read("Secrets.txt") == .deny)
        #expect(write(".Git/hooks/x") == .deny)
        #expect(write("Drafts/x") == .ask)
        #expect(write("new/deep/file") == .allow)
        #expect(write("drafts/x") == .ask)
        #expect(write("dangling") == .deny)
        #expect(write("nothing/../../x") == .deny)
        #expect(write("a\0b") == .deny)
        #expect(effect("Edit", .object([])) == .deny)
        #expect(effect("Read", .object(["file_path": .int(1)])) == .deny)
    }

    @Test func `silence can be a question instead`() {
        var asking = decider
        asking.unnamed = .ask
        func read(_ path: String) -> Effect {
            asking.decide(
                HookRequest(tool: "Read", input: .object(["file_path": .string(path)]), workingDirectory: decider.workspace, session: "")
            ).effect
        }
        #expect(read("/etc/hostname") == .ask)
        #expect(read("/etc/shadow") == .deny)
    }

    @Test(arguments: [
        ("git status", Effect.allow), ("git status && git log", .allow), ("git diff > drafts.txt", .allow), ("git diff > .env", .deny),
        ("git diff > drafts/x", .ask), ("git diff 2>/dev/null", .allow), ("wc", .ask), ("git log; curl x", .deny), ("env curl x", .ask),
        ("git commit -m curl", .ask), ("git add .env", .deny), ("git add ./a", .allow), ("git -C /etc/shadow log", .deny),
        ("git --file=/etc/shadow", .deny), ("git add /etc/hostname", .ask), ("git log $X", .ask), ("curl $X", .deny), ("./a", .deny),
        ("cat secrets.txt", .deny), ("cat a", .allow), ("cat nothing", .allow), ("cp secrets.txt b", .deny), ("cp a b", .allow),
        ("git -C conf show", .deny), ("git apply @secrets.txt", .deny), ("cat -n.env", .deny),
        ("git 'x=@secrets.txt;y=z'", .deny), ("git -d@.env", .deny), ("grep -fsecrets.txt x", .deny), ("grep -nfsecrets.txt x", .ask),
        ("cat .ENV", .deny), ("cp a .git/hooks/x", .ask), ("cp a .git", .ask), ("cp a .GIT/hooks/x", .ask), ("cat .git/hooks/x", .allow),
        ("git log --output=.git/hooks/x", .ask), ("git log --output=b", .allow), ("git log >.git/hooks/x", .deny),
        ("cp . /usr/x", .ask), ("cp a /usr/x", .ask), ("cat /usr/x", .allow), ("cat //etc/shadow", .deny),
        ("git file:///etc/shadow", .deny),
        ("git https://example.org/a", .allow), ("grep -r S .", .ask), ("grep -r S", .ask), ("grep -rn S src", .ask),
        ("grep -n S a", .allow),
        ("cp -r . out", .ask), ("ls .", .allow), ("cp src new", .allow), ("cp src out", .ask), ("git add .", .ask), ("git add -A", .ask),
        ("git log --all", .allow), ("cd src", .ask),
        ("cd src && cat a", .ask),
        ("git -c x=y log", .ask), ("git config a.b c", .ask), ("git commit -m 'see .env here'", .ask), ("git commit -m 'a word'", .allow),
        ("cat src/../secrets.txt", .deny), ("cat conf/key.pem", .deny), ("grep x env-link", .deny),
        ("", .ask), ("git show origin/main", .allow), ("/usr/bin/curl x", .deny), ("x=1 git log", .ask),
    ])
    func `command lines are decided by programs, files and words`(_ line: String, _ expected: Effect) {
        #expect(effect("Bash", .object(["command": .string(line)])) == expected)
    }

    @Test func `work is bounded, and what is beyond is asked about`() {
        func line(_ text: String) -> Effect { effect("Bash", .object(["command": .string(text)])) }
        #expect(line("cat" + String(repeating: " x", count: 500)) == .allow)
        #expect(line("cat" + String(repeating: " x", count: 600)) == .ask)
        #expect(line(String(repeating: "cat x;", count: 600)) == .ask)
        #expect(line("cat x" + String(repeating: " >x", count: 600)) == .ask)
        #expect(line("cat" + String(repeating: " " + String(repeating: "x,", count: 100), count: 20)) == .ask)
        #expect(line("cat " + String(repeating: "x", count: 5000)) == .ask)
        #expect(line("cat -" + String(repeating: "x", count: 300)) == .ask)
        #expect(line("cat .env" + String(repeating: " x", count: 600)) == .deny)
    }

    @Test func `searches find hidden files, so they are asked about`() {
        func grep(_ path: String, _ glob: String? = nil) -> Effect {
            guard let glob else { return effect("Grep", .object(["pattern": .string("x"), "path": .string(path)])) }
            return effect("Grep", .object(["pattern": .string("x"), "path": .string(path), "glob": .string(glob)]))
        }
        func glob(_ pattern: String) -> Effect { effect("Glob", .object(["pattern": .string(pattern)])) }
        #expect(grep(".") == .ask)
        #expect(grep("src") == .allow)
        #expect(glob("**/*") == .ask)
        #expect(glob("src/**/*") == .allow)
        #expect(glob("**/*.py") == .ask, "`conf` is a directory, and may hold such")
        #expect(glob("drafts/**/*.py") == .allow)
        #expect(glob("drafts/**/keys") == .ask)
        #expect(glob("drafts/*") == .ask)
        #expect(grep("drafts", "*.{ts,tsx}") == .allow)
        #expect(grep("drafts", "*.{ts,KEYS}") == .allow)
        for pattern in ["*", "*s", "*KEYS", "!*.ts", "*.ts,keys", "*.ts keys", "[k]eys", "*.{ts,}*", "{a,keys}", "*{s,ts}", "?eys", "k*"] {
            #expect(grep("drafts", pattern) == .ask, "\(pattern)")
        }
    }

    @Test func `every tool is asked about`() { #expect(HookClaudeCodeCommand.matcher == "*") }

    @Test(arguments: [
        ("https://docs.example.org/a", Effect.allow), ("https://DOCS.example.org:443", .allow), ("http://docs.example.org/", .deny),
        ("https://docs.example.org@bad.example.org/", .deny), ("https://bad.example.org/", .deny), ("ftp://docs.example.org/", .deny),
        ("https://docs.example.org\\@x/", .deny), ("https://", .deny), ("https://docs.example.org:0/", .deny),
        ("https://other.example.org/", .deny),
    ])
    func `addresses are decided by host and port`(_ url: String, _ expected: Effect) {
        #expect(effect("WebFetch", .object(["url": .string(url), "prompt": .string("p")])) == expected)
    }

    @Test func `other tools`() {
        #expect(effect("mcp__files__read", .object([])) == .allow)
        #expect(effect("mcp__files__write", .object([])) == .ask)
        #expect(effect("mcp__files__remove", .object([])) == .deny)
        #expect(effect("mcp__other__tool", .object([])) == .ask)
        #expect(effect("mcp__a__b__c", .object([])) == .deny)
        #expect(effect("mcp__x", .object([])) == .deny)
        #expect(effect("WebSearch", .object(["query": .string("x")])) == .ask)
        #expect(effect("Unheard", .object([])) == .ask)
        #expect(effect("Glob", .object(["pattern": .string("src/**/*.swift")])) == .allow)
        #expect(effect("Glob", .object(["pattern": .string("/etc/**")])) == .deny)
        #expect(effect("Glob", .object(["pattern": .string("../*")])) == .ask)
        #expect(effect("Grep", .object(["pattern": .string("x")])) == .ask)
        #expect(effect("Grep", .object(["pattern": .string("x"), "path": .string("a")])) == .allow)
        #expect(effect("Grep", .object(["pattern": .string("x"), "glob": .string(".env*")])) == .ask)
        #expect(effect("Grep", .object(["pattern": .string("x"), "path": .string("out")])) == .deny)
        #expect(effect("LS", .object(["path": .string(decider.workspace)])) == .allow)
    }

    @Test func `the strictest answer is given, with its reasons`() {
        let answer = HookAnswer(.allow, "a", resource: "x").and(HookAnswer(.ask, "b", resource: "y")).and(HookAnswer(.ask, "c"))
        #expect(answer.effect == .ask && answer.reasons == ["b", "c"] && answer.resources == ["x", "y"])
        #expect(answer.json["hookSpecificOutput"]?["permissionDecision"] == .string("ask"))
        #expect(answer.and(HookAnswer(.deny, "d")).reasons == ["d"])
    }

    @Test(arguments: [
        "", "[]", "{", #"{"tool_name": "Read"}"#, #"{"tool_name": "Read", "tool_input": {}, "cwd": "x"}"#,
        #"{"tool_name": 1, "tool_input": {}, "cwd": "/"}"#, #"{"tool_name": "Read", "tool_input": [], "cwd": "/"}"#,
        #"{"hook_event_name": "PostToolUse", "tool_name": "Read", "tool_input": {}, "cwd": "/"}"#,
        #"{"tool_name": "Read", "tool_name": "Write", "tool_input": {}, "cwd": "/"}"#,
    ])
    func `what is no request is refused`(_ text: String) {
        #expect(throws: HookRequest.Problem.self) { try HookRequest.read(Array(text.utf8)) }
    }
}
