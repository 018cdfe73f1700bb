/// `syscalls:` of a policy: the named base, and single groups or calls taken away or added.
package struct SyscallRules: Sendable, Equatable {
    /// Name of a base profile: `default` or `compute`.
    package var base: String
    /// `@group` or syscall names refused although the base allows them. Deny wins over allow.
    package var deny: [String]
    /// `@group` or syscall names allowed beyond the base; each announces itself in the receipt.
    package var allow: [String]

    package init(base: String = "default", deny: [String] = [], allow: [String] = []) {
        self.base = base
        self.deny = deny
        self.allow = allow
    }
}

/// `environment:` of a policy. A tool's environment is built from nothing: these, and what the caller sets by name.
package struct EnvironmentRules: Sendable, Equatable {
    /// Names copied from the supervisor's environment when they are set there.
    package var pass: [String]
    /// Fixed values, by name.
    package var set: [String: String]

    package init(pass: [String] = [], set: [String: String] = [:]) {
        self.pass = pass
        self.set = set
    }
}
