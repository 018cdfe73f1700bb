package struct NetworkConfinement: Sendable, Equatable {
    /// A loopback interface of the sandbox's own: processes inside may talk to each other over TCP and UDP.
    package var loopback: RuleReference?
    /// Outgoing TCP that the supervisor brokers.
    package var connect: [NetworkEndpoint]
    /// Host loopback ports on which the supervisor listens for the tool.
    package var listen: [NetworkEndpoint]
    /// What a rule denies, also where an allowed name leads there.
    package var denied: [NetworkEndpoint]
    /// Rule that denies every connection: no allow would help.
    package var denial: RuleReference?

    package init(
        loopback: RuleReference? = nil, connect: [NetworkEndpoint] = [], listen: [NetworkEndpoint] = [], denied: [NetworkEndpoint] = [],
        denial: RuleReference? = nil
    ) {
        self.loopback = loopback
        self.connect = connect
        self.listen = listen
        self.denied = denied
        self.denial = denial
    }

    /// No socket of family INET or INET6 at all.
    package var isNone: Bool { loopback == nil && connect.isEmpty && listen.isEmpty }
}

package struct NetworkEndpoint: Sendable, Equatable {
    /// Lower-case host name or address literal; empty for `listen`.
    package var host: String
    /// 1…65535; nil means every port.
    package var port: UInt16?
    package var rule: RuleReference

    package init(host: String, port: UInt16?, rule: RuleReference) {
        self.host = host
        self.port = port
        self.rule = rule
    }
}
