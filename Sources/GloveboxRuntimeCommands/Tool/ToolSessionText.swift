internal import LibOSModel
internal import SandboxPolicy
internal import StrictJSON
internal import ToolBroker

extension ToolManifest {
    /// Whether one worker may serve several calls of an agent process, and how many.
    func sessionLines(under policy: ResolvedPolicy?) -> [String] {
        if let refusal = sessionRefusal(under: policy) { return ["  session refused: \(refusal.reason)"] }
        if let policy, let terms = policy.sessions, terms.covers(name) {
            return ["  session one worker serves the calls of one agent process: \(terms.bounds) (policy \(policy.name))"]
        }
        guard understandsSessions else { return [] }
        return ["  session none: its worker could serve several calls, and the policy \(policy?.name ?? "") does not name it in `sessions`"]
    }

    /// The same for machines; null when each call has a worker of its own.
    func sessions(under policy: ResolvedPolicy?) -> JSONValue {
        if let refusal = sessionRefusal(under: policy) { return .object(["refused": refusal.json]) }
        guard let terms = policy?.sessions, terms.covers(name) else { return .null }
        return .object([
            "calls": .unsigned(terms.calls), "idle_ms": .unsigned(terms.idleMilliseconds),
            "lifetime_ms": .unsigned(terms.lifetimeMilliseconds),
        ])
    }
}
