/// The word before the first colon of a resource.
package enum ResourceKind: String, Sendable, CaseIterable, Hashable {
    // What the kernel enforces.
    case filesystem, shell, process, network, environment, secret, device, syscall
    // What the runtime decides at each use: no operating-system right comes of these.
    case object
    case objectNamespace = "object_namespace"
    case human, clock, image, skill
    case skillTrust = "skill_trust"
    case checkpoint
    case mcpServer = "mcp_server"
    case mcp
    case jsonrpcEndpoint = "jsonrpc_endpoint"
    case jsonrpc

    /// False for kinds that only a libOS call can use.
    package var hasOperatingSystemRight: Bool {
        switch self {
        case .filesystem, .shell, .process, .network, .environment, .secret, .device, .syscall: true
        default: false
        }
    }

    /// Rights that some resource of this kind accepts.
    package var rights: [CapabilityRight] {
        switch self {
        case .filesystem: [.read, .write, .delete, .execute]
        case .shell, .syscall: [.execute]
        case .process: [.read, .write, .execute, .grant, .revoke, .admin]
        case .network: [.connect, .listen]
        case .environment, .secret: [.read]
        case .device: [.read, .write]
        case .object, .objectNamespace: [.read, .write, .delete, .link, .diff, .materialize, .grant, .revoke, .admin]
        case .human: [.read, .write, .approve]
        case .clock: [.read, .execute]
        case .image: [.read, .write, .execute, .admin]
        case .skill: [.read, .execute, .admin]
        case .skillTrust: [.approve]
        case .checkpoint: [.read, .write, .delete, .execute, .admin]
        case .mcpServer, .jsonrpcEndpoint: [.read, .execute, .admin]
        case .mcp, .jsonrpc: [.execute]
        }
    }
}

extension Resource {
    /// Rights that this resource accepts; others are refused by name.
    package var acceptedRights: [CapabilityRight] {
        switch (kind, parts.first?.text) {
        case (.process, "spawn"): [.execute]
        case (.process, .some): [.read, .write, .grant, .revoke, .admin]
        case (.network, "tcp"), (.network, "loopback"): [.connect]
        case (.network, "listen"): [.listen]
        default: kind.rights
        }
    }
}
