/// What may be done with a resource. The order is the one in which rights are printed.
package enum CapabilityRight: String, Sendable, CaseIterable, Hashable, Comparable {
    case read, write, delete, execute, connect, listen, link, diff, materialize, grant, revoke, approve, admin

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (a: CapabilityRight, b: CapabilityRight) -> Bool { a.rank < b.rank }

    /// The rights in printing order, each once.
    package static func inOrder(_ rights: some Sequence<CapabilityRight>) -> [CapabilityRight] {
        let given = Set(rights)
        return allCases.filter { given.contains($0) }
    }
}

/// What a rule decides. Raised in the order of the cases: an allow is more than an ask, an ask more than a deny.
package enum Effect: String, Sendable, CaseIterable, Hashable, Comparable {
    case deny, ask, allow

    private var rank: Int {
        switch self {
        case .deny: 0
        case .ask: 1
        case .allow: 2
        }
    }

    package static func < (a: Effect, b: Effect) -> Bool { a.rank < b.rank }
}
