internal import CapabilityLanguage

/// `match` and `not_match`: what a rule's author says the rule covers, tried whenever the file is loaded.
///
/// - `shell` rules: command lines. The first word names the program, a bare name or an absolute path; the words after it do
///   not matter, because a shell rule covers every command line of its program.
/// - `filesystem` rules: paths of the rule's own space, relative in `workspace` and absolute in `host`.
/// - other kinds: the part after the colon, for example `example.org:443` is written `tcp:example.org:443`.
enum RuleTest {
    static func covers(_ resource: Resource, _ test: String) throws(ResourceProblem) -> Bool {
        let body: String
        switch resource.kind {
        case .shell:
            guard let word = test.split(separator: " ", omittingEmptySubsequences: true).first else {
                throw ResourceProblem("`\(test)` is no command line", mend: "write a program and its words")
            }
            body = String(word)
        case .filesystem:
            body = (resource.parts.first?.text ?? "workspace") + ":" + test
        default:
            body = test
        }
        return resource.covers(try Resource.parseAction("\(resource.kind.rawValue):\(body)"))
    }
}
