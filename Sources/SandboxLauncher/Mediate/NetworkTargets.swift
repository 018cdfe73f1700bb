internal import Glibc
internal import SandboxPolicy

/// What a policy's network grants mean for one run: addresses and ports. Names were resolved once, by the supervisor, and stay
/// what they were: whoever answers for a name cannot move it while the run lasts.
struct NetworkTargets: Sendable, Equatable {
    struct Target: Sendable, Equatable {
        var address: InternetAddress
        /// Nil: every port.
        var port: UInt16?
        /// The host as the policy writes it.
        var host: String

        var description: String {
            let place = host == address.description ? address.policyText : "\(host) (\(address))"
            return "\(place):\(port.map(String.init) ?? "*")"
        }
    }

    private(set) var targets: [Target] = []
    /// What a rule denies, by the address that is really reached.
    private var denied: [Denial] = []
    /// Ports of this host's loopback that the tool may serve.
    private(set) var listen: Set<UInt16> = []
    private(set) var hasLoopback = false
    /// Lines for the sandbox's own /etc/hosts, each ending in a newline.
    private(set) var hosts = ""
    /// What a person should know: names without an address, addresses that a name may not lead to.
    private(set) var notes: [String] = []
    private var dropped: [InternetAddress: String] = [:]

    /// `connect` and `bind` go to the supervisor.
    private(set) var isBrokered = false

    private struct Denial: Sendable, Equatable {
        var address: InternetAddress
        var port: UInt16?
        var rule: RuleReference
    }

    /// Nothing is brokered.
    init() {}

    /// Names that have to be resolved for these grants, in a fixed order, with those that are denied: what they lead to is denied
    /// under every name. A host that is neither an address nor a host name
    /// stops the launch: nobody could say what it would come to mean.
    static func names(in network: NetworkConfinement) throws(LaunchError) -> [String] {
        var names: Set<String> = []
        let endpoints = network.connect.isEmpty ? [] : network.connect + network.denied
        for endpoint in endpoints where InternetAddress(literal: endpoint.host) == nil && endpoint.host != "localhost" {
            guard isName(endpoint.host) else {
                throw LaunchError(
                    .malformed, "\(endpoint.rule.location): `\(endpoint.host)` is neither an address nor a host name",
                    mend: "write a name of letters, digits, hyphens and dots, or an address in its full form")
            }
            names.insert(endpoint.host)
        }
        return names.sorted()
    }

    /// - Parameter resolved: the addresses of each name, as the resolver gave them.
    init(_ network: NetworkConfinement, resolved: [String: [InternetAddress]]) throws(LaunchError) {
        isBrokered = network.isBrokered
        hasLoopback = network.loopback != nil
        listen = Set(network.listen.compactMap(\.port))
        var named: [InternetAddress: [UInt16?]] = [:]
        for endpoint in network.denied {
            for address in Self.addresses(of: endpoint.host, resolved) {
                denied.append(Denial(address: address, port: endpoint.port, rule: endpoint.rule))
            }
        }
        for endpoint in network.connect {
            guard let address = InternetAddress(literal: endpoint.host) else { continue }
            if address.isUnspecified {
                throw LaunchError(
                    .malformed, "\(endpoint.rule.location): `\(endpoint.host)` is no address of a machine",
                    mend: "write 127.0.0.1 or [::1] for this host")
            }
            named[address, default: []].append(endpoint.port)
            targets.append(Target(address: address, port: endpoint.port, host: address.description))
        }
        for endpoint in network.connect where InternetAddress(literal: endpoint.host) == nil {
            if endpoint.host == "localhost" { // what every machine means by it; no resolver is asked
                for address in [InternetAddress.loopback4, .loopback6] {
                    targets.append(Target(address: address, port: endpoint.port, host: endpoint.host))
                }
                continue
            }
            let addresses = resolved[endpoint.host] ?? []
            if addresses.isEmpty { note("\(endpoint.host) has no address") }
            for address in addresses {
                if let reason = address.reasonToDrop, named[address] == nil {
                    dropped[address] = endpoint.host
                    note("\(endpoint.host) leads to \(address), which is \(reason): reached only when a grant names the address")
                    continue
                }
                if let rule = denial(of: address, port: endpoint.port) {
                    note("\(endpoint.host) leads to \(address), which `\(rule.text)` at \(rule.location) denies")
                    if denial(of: address, port: nil) != nil { continue } // at every port, so nobody needs its name
                }
                pin(endpoint.host, address)
                // An address that is only usable because it is named itself is usable at the ports named there.
                if address.reasonToDrop == nil {
                    targets.append(Target(address: address, port: endpoint.port, host: endpoint.host))
                }
            }
        }
        for endpoint in network.connect.isEmpty ? [] : network.denied where Self.addresses(of: endpoint.host, resolved).isEmpty {
            note("\(endpoint.host) is denied and has no address, so no address is denied for it")
        }
        targets = targets.filter { denial(of: $0.address, port: $0.port) == nil }
        if hasLoopback, targets.contains(where: { $0.address.isLoopback }) {
            note("loopback addresses lead to the sandbox's own loopback, so grants of the host's are without effect")
        }
    }

    func allows(_ endpoint: InternetEndpoint) -> Bool {
        guard endpoint.port != 0, denial(of: endpoint) == nil else { return false }
        return targets.contains { $0.address == endpoint.address && ($0.port == nil || $0.port == endpoint.port) }
    }

    /// The rule that denies an address, whatever name led to it.
    func denial(of endpoint: InternetEndpoint) -> RuleReference? { denial(of: endpoint.address, port: endpoint.port) }

    /// - Parameter port: nil asks about all of them.
    private func denial(of address: InternetAddress, port: UInt16?) -> RuleReference? {
        denied.first { ($0.port == nil || $0.port == port) && ($0.address == address || $0.address == address.translated) }?.rule
    }

    private static func addresses(of host: String, _ resolved: [String: [InternetAddress]]) -> [InternetAddress] {
        if let address = InternetAddress(literal: host) { return [address] }
        return host == "localhost" ? [.loopback4, .loopback6] : resolved[host] ?? []
    }

    /// The name that leads to an address which only a grant of its own opens.
    func nameDropped(for address: InternetAddress) -> String? { dropped[address] }

    /// One line for the receipt.
    var summary: String {
        var parts: [String] = []
        if !targets.isEmpty { parts.append("connections made by the supervisor to " + targets.map(\.description).joined(separator: ", ")) }
        if !listen.isEmpty {
            parts.append("serves 127.0.0.1 of this host at port " + listen.sorted().map(String.init).joined(separator: ", "))
        }
        return (parts + notes).joined(separator: "; ")
    }

    private mutating func pin(_ name: String, _ address: InternetAddress) {
        let line = "\(address) \(name)\n"
        if !hosts.contains(line) { hosts += line }
    }

    private mutating func note(_ text: String) {
        if !notes.contains(text) { notes.append(text) }
    }
}
