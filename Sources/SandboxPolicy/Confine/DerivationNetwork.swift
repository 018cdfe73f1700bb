internal import CapabilityLanguage

/// What the tool reaches over the network, as steps.
extension ResolvedPolicy {
    func networkSteps(_ confinement: Confinement) -> [DerivationStep] {
        let network = confinement.network
        if network.isNone {
            let rule = rules.first { $0.resource.kind == .network && $0.effect == .deny && $0.resource.parts.isEmpty }?.reference
            return [
                DerivationStep(
                    section: .network, text: "nothing: it reaches no network, not even the localhost of this machine",
                    mechanisms: ["network namespace of its own, no interface up", "filter: sockets for the internet are refused"],
                    location: rule?.location ?? "default", because: rule?.because)
            ]
        }
        var steps: [DerivationStep] = []
        if let rule = network.loopback {
            steps.append(
                DerivationStep(
                    section: .network, text: "its own localhost: its processes may talk to each other there, not to the host",
                    mechanisms: ["network namespace of its own, loopback up"], location: rule.location, because: rule.because))
        }
        for endpoint in network.connect {
            steps.append(
                DerivationStep(
                    section: .network, text: "\(endpoint.host), \(endpoint.port.map { "port \($0)" } ?? "every port"), over TCP",
                    mechanisms: ["supervisor: resolves, checks and connects; the tool gets the connected socket"],
                    location: endpoint.rule.location, because: endpoint.rule.because))
        }
        for endpoint in network.connect.isEmpty ? [] : network.denied {
            steps.append(
                DerivationStep(
                    section: .network,
                    text: "not \(endpoint.host), \(endpoint.port.map { "port \($0)" } ?? "every port"), by whatever name",
                    mechanisms: ["supervisor: compares the address that is reached"], location: endpoint.rule.location,
                    because: endpoint.rule.because))
        }
        for endpoint in network.listen {
            steps.append(
                DerivationStep(
                    section: .network, text: "others on this host may reach it at port \(endpoint.port.map(String.init) ?? "any")",
                    mechanisms: ["supervisor: hands over a socket bound to the host's 127.0.0.1"], location: endpoint.rule.location,
                    because: endpoint.rule.because))
        }
        return steps
    }
}
