import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite("Command lines taken apart")
struct ShellLineTests {
    @Test(arguments: [
        ("git status", [["git", "status"]]), ("a b; c && d || e | f & g", [["a", "b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("echo 'a b' \"c d\"e\\ f", [["echo", "a b", "c de f"]]), ("a\nb", [["a"], ["b"]]), ("x ''", [["x", ""]]),
        ("grep -n \"a\\\"b\\n\" x", [["grep", "-n", "a\"b\\n", "x"]]),
    ])
    func `plain lines are clear`(_ line: String, _ commands: [[String]]) {
        let read = ShellLine(line)
        #expect(read.commands == commands && read.unclear == nil && read.redirections.isEmpty)
    }

    @Test func `files of redirections are found`() {
        let read = ShellLine("a >b 2>>c <d 2>&1 &>e >|f x>g 12>h")
        #expect(read.commands == [["a", "x"]])
        #expect(read.redirections.map { ($0.writes ? ">" : "<") + $0.path } == [">b", ">c", "<d", ">e", ">f", ">g", ">h"])
        #expect(read.unclear == nil)
    }

    @Test(arguments: [
        "echo $HOME", "echo `id`", "a $(b)", "(a)", "{ a; }", "ls *", "ls a?", "if a; then b; fi", "A=1 b", "a <<x", "a <(b)", "a >(b)",
        "cat ~/.ssh/id", "a 'b", "a \"b", "a \\\nb", "a # b", "a >", "a >&b", "a >&2b", "a >&2/../b", "a \"b\\\nc\"",
        "echo \"$x\"", "! a", "a\u{1}b", "[[ a ]]",
        String(repeating: "a ", count: 40_000),
    ])
    func `what only a shell can work out is unclear`(_ line: String) { #expect(ShellLine(line).unclear != nil) }

    @Test func `no text ends it`() {
        var random = SeededGenerator(state: 3)
        let signs = Array("ab \t\n;&|<>'\"\\$(){}*#~=12!".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in signs[Int.random(in: 0..<signs.count, using: &random)] }
            let read = ShellLine(String(decoding: bytes, as: UTF8.self))
            #expect(!read.commands.contains { $0.isEmpty })
        }
    }
}
