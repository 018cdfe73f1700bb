package import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
package import SandboxPolicy

/// What a session's process is given, from its policy and the command line.
package struct SessionRights: Sendable, Equatable {
    package let terms: [CapabilityTerms]

    /// - Parameters:
    ///   - policy: its rules become the session's records.
    ///   - given: the command line's words, which come last: among equals the later one decides.
    package init(policy: ResolvedPolicy, given: [CapabilityTerms]) {
        var terms = policy.rules.map { CapabilityTerms(resource: $0.resource, rights: Set($0.rights), effect: $0.effect) } + given
        // What the kernel keeps away is denied by the policies of the tools, which this one bounds: there it has its file, its line and
        // its reason. Tools without a policy have no use for such things.
        terms.removeAll { $0.effect == .deny && $0.resource.kind.hasOperatingSystemRight }
        // First, so that whatever the policy says of them holds.
        let speaksOfClocks = terms.contains { $0.resource.kind == .clock }
        for (text, rights) in Self.basis where !speaksOfClocks {
            if let resource = try? Resource.parse(text) { terms.insert(CapabilityTerms(resource: resource, rights: rights), at: 0) }
        }
        // A policy that lets programs run by their place lets each of them run, unless it allows some by name.
        let runsPrograms = terms.contains {
            $0.effect == .allow && $0.resource.kind == .filesystem && $0.resource.parts.first?.text == "host"
                && $0.rights.contains(.execute)
        }
        let namesPrograms = terms.contains { $0.effect == .allow && $0.resource.kind == .shell }
        if runsPrograms, !namesPrograms {
            terms.insert(CapabilityTerms(resource: Resource(kind: .shell, parts: [], extent: .members), rights: [.execute]), at: 0)
        }
        self.terms = terms
    }

    /// Where the policy says nothing of clocks: knowing the time and waiting change nothing and tell nothing.
    private static let basis: [(String, Set<CapabilityRight>)] = [("clock:now", [.read]), ("clock:sleep", [.execute])]

    package var reach: Reach { Reach(terms.map { Reach.Word(resource: $0.resource, rights: $0.rights, effect: $0.effect) }) }
}

/// Which kinds of things rules let somebody touch at all, without regard to single names: what a tool can be said to do before it is
/// called. What one call may touch is decided at that call.
package struct Reach: Sendable {
    struct Word: Sendable {
        var resource: Resource
        var rights: Set<CapabilityRight>
        var effect: Effect
    }

    private let words: [Word]

    init(_ words: [Word]) { self.words = words }

    package init(_ policy: ResolvedPolicy) {
        words = policy.rules.map { Word(resource: $0.resource, rights: Set($0.rights), effect: $0.effect) }
    }

    /// - Parameter area: what stands before the first name: `workspace` or `host` of files, `tcp` of networks; nil for all of the kind.
    func includes(_ right: CapabilityRight, _ kind: ResourceKind, area: String?) -> Bool {
        if refuses(right, kind, area: area) { return false }
        return words.contains { word in
            word.effect != .deny && word.resource.kind == kind && word.rights.contains(right)
                && (area == nil || word.resource.parts.isEmpty || word.resource.parts.first?.text == area)
        }
    }

    /// Whether a rule denies all of it.
    func refuses(_ right: CapabilityRight, _ kind: ResourceKind, area: String?) -> Bool {
        let whole = Resource(kind: kind, parts: [], extent: .members)
        let part = Resource(kind: kind, parts: area.map { [$0] } ?? [], extent: .tree)
        return words.contains { word in
            word.effect == .deny && word.rights.contains(right)
                && (word.resource.covers(whole) || area != nil && word.resource.covers(part))
        }
    }
}
