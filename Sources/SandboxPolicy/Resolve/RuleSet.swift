package import CapabilityLanguage

/// The rules of one kind of resource, and which of them decides.
///
/// Deny dominates, whatever its place or width; then the narrowest of the others, and of equals the later one. A rule covers
/// only the place it names and what lies below, so whoever asks about a place looks along its path and not through all rules.
/// Capability records are decided by the same set: the broker writes each as a rule, in the order of issue.
package struct RuleSet: Sendable {
    package let kind: ResourceKind
    /// In the order of the policy.
    package private(set) var rules: [PolicyRule]
    /// Indices into `rules` by the place that they name, ascending.
    private var named: [[ResourcePart]: [Int]]

    package init(_ kind: ResourceKind, _ rules: [PolicyRule]) {
        self.kind = kind
        self.rules = rules
        var named: [[ResourcePart]: [Int]] = [:]
        named.reserveCapacity(rules.count)
        for index in rules.indices { named[rules[index].resource.parts, default: []].append(index) }
        self.named = named
    }

    /// As if the rule had been the last one from the beginning.
    package mutating func append(_ rule: PolicyRule) {
        named[rule.resource.parts, default: []].append(rules.count)
        rules.append(rule)
    }

    /// Every place that some rule names.
    package var places: Dictionary<[ResourcePart], [Int]>.Keys { named.keys }

    /// The rules that name this very place.
    func rules(at place: [ResourcePart]) -> [PolicyRule] { named[place, default: []].map { rules[$0] } }

    /// The rules that cover a place, or an unmentioned name right below it.
    package func covering(_ place: [ResourcePart], strictlyBelow: Bool = false) -> Covering {
        var found: [Int] = []
        if !rules.isEmpty {
            var path = place
            while true {
                for index in named[path, default: []] where rules[index].resource.covers(place, strictlyBelow: strictlyBelow) {
                    found.append(index)
                }
                if path.isEmpty { break }
                path.removeLast()
            }
        }
        return Covering(rules: rules, indices: found.sorted())
    }

    package func decidingRule(_ resource: Resource, _ right: CapabilityRight) -> PolicyRule? {
        guard resource.kind == kind else { return nil }
        return covering(resource.parts, strictlyBelow: resource.extent == .members).decidingRule(right)
    }

    /// The few rules that speak of one place.
    package struct Covering {
        fileprivate let rules: [PolicyRule]
        fileprivate let indices: [Int]

        package func decidingRule(_ right: CapabilityRight) -> PolicyRule? { decidingIndex(right).map { rules[$0] } }

        /// Place of the deciding rule in the set's `rules`.
        package func decidingIndex(_ right: CapabilityRight) -> Int? {
            var chosen: Int?
            for index in indices where rules[index].rights.contains(right) {
                if rules[index].effect == .deny { return index }
                if let chosen, rules[chosen].resource.specificity > rules[index].resource.specificity { continue }
                chosen = index
            }
            return chosen
        }

        /// Places of all rules that speak of the right, ascending.
        package func matchingIndices(_ right: CapabilityRight) -> [Int] { indices.filter { rules[$0].rights.contains(right) } }

        /// What the deciding rule says; without one nothing is allowed.
        func effect(_ right: CapabilityRight) -> Effect { decidingRule(right)?.effect ?? .deny }
    }
}

extension ResolvedPolicy {
    /// Worth keeping while several decisions about one kind are made.
    package func ruleSet(of kind: ResourceKind) -> RuleSet {
        // By index: going through the values would copy each.
        RuleSet(kind, rules.indices.filter { rules[$0].resource.kind == kind }.map { rules[$0] })
    }
}

extension Sequence<[ResourcePart]> {
    /// Parents before children, and names in byte order.
    func sortedAsTree() -> [[ResourcePart]] {
        // Comparing one key for each place is cheaper than comparing parts again and again.
        map { (key: Self.treeKey($0), place: $0) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map(\.place)
    }

    /// The names, each ended by NUL: that is in no name, and comes before every other byte.
    private static func treeKey(_ place: [ResourcePart]) -> [UInt8] {
        var key: [UInt8] = []
        for part in place {
            key.append(contentsOf: part.text.utf8)
            key.append(0)
        }
        return key
    }
}
