/// Every key that a policy document knows. The parser, its suggestions and the published schema all follow these lists.
package enum PolicyKeys {
    package static let document = [
        "$schema", "version", "name", "description", "extends", "root_preset", "capabilities", "limits", "environment", "syscalls",
        "waive", "ask", "sessions", "examples",
    ]
    package static let rule = ["allow", "ask", "deny", "rights", "because", "match", "not_match", "optional"]
    package static let limits = LimitName.allCases.map(\.rawValue)
    package static let environment = ["pass", "set"]
    package static let syscalls = ["base", "deny", "allow"]
    package static let ask = ["channel"]
    package static let sessions = ["tools", "calls", "idle", "lifetime"]
    package static let examples = ["allow", "ask", "deny"]
    /// Names of `syscalls: base`, the wider first.
    package static let syscallBases = ["default", "compute"]

    package static let version = 1
    /// Rules of one document. Deciding is linear in the rules; a real policy has some dozens.
    package static let mostRules = 512
    /// Names in each other list of one document.
    package static let mostNames = 512
}
