internal import CapabilityLanguage
internal import SandboxPolicy

/// What is not on this machine, or not the agent's own: addresses of the web, and tools of MCP servers.
extension HookDecider {
    func fetch(_ url: String) -> HookAnswer {
        guard let target = HookURL.target(url) else { return HookAnswer(.deny, "`\(url.prefix(200))` is no address of http or https") }
        return decide("network:tcp:\(target.host):\(target.port)", [.connect])
    }

    /// `mcp__SERVER__TOOL`, in each way that it can be read.
    func server(_ name: String) -> HookAnswer {
        let body = Array(name.utf8.dropFirst("mcp__".utf8.count))
        var answer: HookAnswer?
        for at in body.indices.dropFirst() where at + 1 < body.count && body[at] == UInt8(ascii: "_") && body[at + 1] == UInt8(ascii: "_") {
            let server = String(decoding: body[..<at], as: UTF8.self)
            let tool = String(decoding: body[(at + 2)...], as: UTF8.self)
            if server.isEmpty || tool.isEmpty { continue }
            let one = decideTool(server, tool)
            answer = answer?.and(one) ?? one
        }
        return answer ?? HookAnswer(.deny, "`\(name)` names no tool of a server")
    }

    private func decideTool(_ server: String, _ tool: String) -> HookAnswer {
        let text = "mcp:\(server):\(tool)"
        guard !server.contains(":"), !tool.contains(":"), let resource = try? Resource.parseAction(text) else {
            return HookAnswer(.deny, "no rule can name the tool `\(tool)` of `\(server)`")
        }
        let decision = policy.decide(PolicyAction(resource: resource, rights: [.execute]), workspace: workspace)
        var answer = HookAnswer(decision.effect, decision.reason, resource: text)
        // What `glovebox mcp run` lets through without a rule, it has sealed.
        if decision.effect == .deny, decision.rule == nil { answer = HookAnswer(.ask, "no rule names \(text)", resource: text) }
        let onValues = policy.rules.first {
            $0.resource.kind == .mcp && $0.resource.parts.count > resource.parts.count && $0.resource.parts.starts(with: resource.parts)
        }
        if let onValues {
            answer = answer.and(
                HookAnswer(
                    .ask,
                    "\(onValues.reference.text) at \(onValues.reference.location) is about values, which only `glovebox mcp run` compares"))
        }
        return answer
    }
}
