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
    package var set: VariableList
    /// Names of `standard` that a rule takes away.
    package var withheld: Set<String>
    /// Rules that deny variables: they outweigh the caller's own words too.
    package var denials: [VariableDenial]

    package struct VariableDenial: Sendable, Equatable {
        /// Nil: every variable.
        package var name: String?
        package var rule: RuleReference
    }

    package init(
        pass: [String] = [], set: VariableList = VariableList(), withheld: Set<String> = [], denials: [VariableDenial] = []
    ) {
        self.pass = pass
        self.set = set
        self.withheld = withheld
        self.denials = denials
    }

    /// Where a tool's programs are looked for when nothing says otherwise.
    package static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// What every tool gets; a policy or a caller may give other values.
    package static let standard: VariableList = {
        var list = VariableList()
        list["HOME"] = "/tmp"
        list["LOGNAME"] = "tool"
        list["PATH"] = defaultPath
        list["TMPDIR"] = "/tmp"
        list["USER"] = "tool"
        return list
    }()

    /// The rule that denies a variable, whoever sets it.
    package func denial(of name: String) -> RuleReference? { denials.first { $0.name == nil || $0.name == name }?.rule }
}
