internal import Glibc
internal import SandboxPolicy

/// The tool's environment, built from nothing: what the policy sets, what it passes, and what the caller sets for this call.
enum ToolEnvironment {
    /// - Parameter callers: the variables that a policy may pass; nil: this process's own.
    static func build(
        _ rules: EnvironmentRules, setByCaller: [String: String], callers: [String: String]? = nil, hasChannel: Bool
    ) -> VariableList {
        var environment = EnvironmentRules.standard
        for name in rules.withheld { environment[name] = nil }
        for name in rules.pass {
            if let callers {
                if let value = callers[name] { environment[name] = value }
            } else if let value = getenv(name) {
                environment[name] = String(cString: value)
            }
        }
        environment.merge(rules.set)
        for (name, value) in setByCaller { environment[name] = value }
        // Nobody else may claim that there is a channel, or that it is elsewhere.
        environment[ToolChannel.variable] = hasChannel ? String(ToolChannel.number) : nil
        return environment
    }
}
