internal import Glibc
internal import SandboxPolicy

/// The tool's environment, built from nothing: what the policy sets, what it passes, and what the caller sets for this call.
enum ToolEnvironment {
    static func build(_ rules: EnvironmentRules, setByCaller: [String: String], hasChannel: Bool) -> [String: String] {
        var environment = EnvironmentRules.standard.filter { !rules.withheld.contains($0.key) }
        for name in rules.pass {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        environment.merge(rules.set) { _, new in new }
        environment.merge(setByCaller) { _, new in new }
        // Nobody else may claim that there is a channel, or that it is elsewhere.
        environment[ToolChannel.variable] = hasChannel ? String(ToolChannel.number) : nil
        return environment
    }
}
