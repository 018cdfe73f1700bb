package import LibOSModel
package import SandboxPolicy
internal import StrictJSON

extension ToolManifest {
    /// Why a worker of it serves one call and no more, whatever anybody says; nil when there is no such reason.
    ///
    /// What a worker was given once it can keep. So it is given nothing that another call may not have had: no descriptors, and no grants
    /// that follow from arguments.
    package var sessionObstacle: String? {
        guard case .channel(let words) = action else { return "a \(action.word) tool has no worker that could wait for another call" }
        if !descriptors.isEmpty { return "it is handed open files, and a worker that stays could keep them" }
        if let need = needs.first(where: { !$0.resource.places.isEmpty }) {
            return
                "its need `\(need.source)` follows from the arguments, and a worker that stays would hold what an earlier call was granted"
        }
        if words.contains(where: { !$0.template.places.isEmpty }) {
            return "its command line holds arguments, so each call starts a worker of its own"
        }
        return nil
    }

    /// Why a policy that wants sessions of this tool cannot have them; nil when it can, or wants none.
    package func sessionRefusal(under policy: ResolvedPolicy?) -> Denial? {
        guard let policy, policy.sessions?.covers(name) == true else { return nil }
        let place = policy.origins[ResolvedPolicy.sessionSetting("tools")]?.location ?? policy.name
        func refusal(_ why: String, _ suggestion: String) -> Denial {
            Denial(
                layer: .policy, rule: "sessions of \(policy.name) (\(place))",
                reason: "the policy \(policy.name) wants sessions of the tool \(name), and it can have none: \(why)", suggestion: suggestion
            )
        }
        if let sessionObstacle { return refusal(sessionObstacle, "remove \(name) from `sessions` in the policy") }
        if !understandsSessions {
            return refusal(
                "its manifest does not say that its worker understands them",
                "add `session: true` to \(file), if the worker serves one call after the other; otherwise remove \(name) from `sessions`")
        }
        return nil
    }
}

extension ToolBroker {
    /// Refuses policies that want sessions of tools that cannot have them. Once, at start; each call looks again. A policy that cannot be
    /// read is for its calls to report.
    package func requireSessions() throws(PolicyError) {
        for tool in registry.all {
            guard let name = tool.policy, let policy = try? loadPolicy(name), let refusal = tool.sessionRefusal(under: policy) else {
                continue
            }
            let origin = policy.origins[ResolvedPolicy.sessionSetting("tools")]
            throw PolicyError(
                file: origin?.file ?? policy.documentFile, line: origin?.position.line ?? 0, column: origin?.position.column ?? 0,
                message: refusal.reason, mend: refusal.suggestion ?? "remove \(tool.name) from `sessions`")
        }
    }
}
