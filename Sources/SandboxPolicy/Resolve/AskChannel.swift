package import CapabilityLanguage

/// Through which channel a person's answer to an `ask` counts. Ordered from the narrower to the wider.
package enum AskChannel: String, Sendable, CaseIterable, Comparable {
    /// On this machine alone: `glovebox human approve`, or the terminal of whoever runs Glovebox.
    case local
    /// Also in a form that an MCP client shows, which the client could answer by itself.
    case any

    package static func < (a: AskChannel, b: AskChannel) -> Bool { a == .local && b == .any }
}

/// The channel that is trusted with one question, and why: for people and for records.
package struct AskTrust: Sendable, Equatable {
    package var channel: AskChannel
    /// A clause: `the policy says so (mine.yaml:4)`.
    package var reason: String

    package init(_ channel: AskChannel, because reason: String) {
        self.channel = channel
        self.reason = reason
    }
}

extension ResolvedPolicy {
    /// Key into `origins`.
    package static let askSetting = "ask.channel"

    /// The channel that is trusted with a question about one resource.
    package func askTrust(for resource: Resource, rights: some Sequence<CapabilityRight>) -> AskTrust {
        if let stated = statedTrust { return stated }
        if let risk = AskRisk.of(resource, rights) { return AskTrust(.local, because: "\(risk), and the policy says nothing else") }
        return AskTrust(.any, because: "the policy says nothing else")
    }

    /// The channel that is trusted with a question about a call of a wrapped server, whose tools all have the one sandbox of this policy.
    ///
    /// What the server may do inside of it without anybody being asked is the smaller risk: it is a program like every other one there, and
    /// what it starts has the same sandbox. What leads out of the sandbox decides, and what the policy itself wants a person for.
    package var askTrustOfServer: AskTrust {
        if let stated = statedTrust { return stated }
        for rule in rules where rule.effect != .deny {
            let counts =
                switch rule.resource.kind {
                case .filesystem: rule.resource.parts.first?.text == "host" && !Set(rule.rights).isDisjoint(with: [.write, .delete])
                case .network, .device: true
                case .process, .shell, .secret: rule.effect == .ask
                default: false
                }
            guard counts, let risk = AskRisk.of(rule.resource, rule.rights) else { continue }
            return AskTrust(
                .local,
                because: "the server's sandbox holds more than the workspace: \(risk) (\(rule.reference.text), \(rule.reference.location))"
            )
        }
        return AskTrust(.any, because: "the server's sandbox holds nothing beyond the workspace, and the policy says nothing else")
    }

    private var statedTrust: AskTrust? {
        guard let askChannel else { return nil }
        let place = origins[Self.askSetting]?.location ?? name
        return AskTrust(askChannel, because: "the policy says `ask: {channel: \(askChannel.rawValue)}` (\(place))")
    }

    /// A number for comparing: what is not stated lies between, because then the risk decides.
    var askWidth: Int {
        switch askChannel {
        case .local: 0
        case nil: 1
        case .any: 2
        }
    }
}

/// What is not for a client to answer, unless the policy says so.
enum AskRisk {
    /// A clause about the risk; nil for what every channel is trusted with.
    static func of(_ resource: Resource, _ rights: some Sequence<CapabilityRight>) -> String? {
        switch resource.kind {
        case .filesystem:
            if rights.contains(.execute) { return "it starts a program" }
            let isWorkspace = resource.parts.first?.text == "workspace"
            if !isWorkspace, rights.contains(where: { $0 != .read }) { return "it writes outside of the workspace" }
            return nil
        case .network: return "it reaches the network"
        case .process, .shell: return "it is about processes"
        case .device: return "it reaches a device"
        case .syscall: return "it opens system calls"
        case .secret: return "it is a secret"
        case .skillTrust: return "it trusts code"
        // What stands behind them is outside of every sandbox of this policy, or not known here.
        case .mcp, .mcpServer, .jsonrpc, .jsonrpcEndpoint: return "it reaches another server"
        case .environment, .object, .objectNamespace, .human, .clock, .image, .skill, .checkpoint: return nil
        }
    }
}
