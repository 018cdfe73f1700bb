internal import CapabilityBroker
package import LibOSModel
internal import StrictJSON

/// A view as text for a model: what fitted, and what did not, by name.
package struct MaterializedContext: Sendable, Hashable {
    package var text: String
    /// The objects that fitted, in the order of the text.
    package var heads: [ObjectHead]
    package var tokenCount: Int64
    package var omitted: [OmittedObject]
    package var policy: ContextPolicy

    package var objects: [ObjectID] { heads.map(\.id) }
}

/// An object of the view that the text does not show.
package struct OmittedObject: Sendable, Hashable {
    package enum Reason: String, Sendable, CaseIterable, Hashable {
        /// The handle does not allow it any more.
        case denied
        /// It does not fit into the budget.
        case budget
    }

    package var object: ObjectID
    package var reason: Reason
}

extension ObjectMemory {
    /// Tokens of a context when nobody says otherwise.
    package static let standardContextBudget: Int64 = 8_000

    /// Renders the objects of a view, in the order of the policy, as many as fit; smaller ones may still fit after one that did not. Of
    /// objects of one rank the newest are chosen first: what just happened is what the next step is about. Each needs the handle's materialize right. Objects that are gone are passed over.
    package func materialize(
        _ view: MemoryView, policy: ContextPolicy, budget: Int64 = standardContextBudget, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> MaterializedContext {
        var context = try choose(from: view, policy: policy, budget: budget, by: origin, in: transaction)
        var sections: [String] = []
        for head in context.heads {
            if let object = try transaction.object(head.id) { sections.append(Self.rendered(object)) }
        }
        context.text = sections.joined(separator: "\n\n")
        return context
    }

    /// The same without the text, for who renders objects in a way of its own, and not each of them each time.
    package func choose(
        from view: MemoryView, policy: ContextPolicy, budget: Int64 = standardContextBudget, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> MaterializedContext {
        var context = MaterializedContext(text: "", heads: [], tokenCount: 0, omitted: [], policy: policy)
        var allowed: [(object: ObjectID, decision: AuthorizationDecision?)] = []
        let held = try authority.broker.held(by: origin.process, in: transaction)
        for root in view.roots {
            // Most handles rest on the record that their making issued, and nothing else speaks of their object.
            if root.isGood(for: .materialize, at: transaction.now),
                held.isPlainlyAllowed(ObjectRight.materialize.asCapabilityRight, on: .object(root.object), by: root.capability)
            {
                allowed.append((root.object, nil))
                continue
            }
            do throws(LibOSError) {
                allowed.append((root.object, try check(root, for: .materialize, by: origin, in: transaction)))
            } catch {
                guard error.code == .denied else { throw error }
                context.omitted.append(OmittedObject(object: root.object, reason: .denied))
            }
        }
        let heads = try transaction.heads(of: allowed.map(\.object))
        let candidates = allowed.compactMap { item in heads[item.object].map { Candidate(head: $0, decision: item.decision) } }
        let ordered = Self.ordered(candidates, by: policy)
        var chosen = Array(repeating: false, count: ordered.count)
        for index in Self.newestFirst(ordered, by: policy) where context.tokenCount + ordered[index].head.tokenEstimate <= budget {
            chosen[index] = true
            context.tokenCount += ordered[index].head.tokenEstimate
        }
        for (candidate, isChosen) in zip(ordered, chosen) {
            guard isChosen else {
                context.omitted.append(OmittedObject(object: candidate.head.id, reason: .budget))
                continue
            }
            if let decision = candidate.decision { try authority.take(decision, for: origin, in: transaction) }
            context.heads.append(candidate.head)
        }
        try transaction.audit(
            "memory.materialize_context", by: origin.process.text, target: view.id.text, inputs: context.objects,
            .object([
                "tokens": .int(context.tokenCount), "omitted": .ids(context.omitted.map(\.object)), "policy": .string(policy.rawValue),
            ]))
        return context
    }

    private struct Candidate {
        var head: ObjectHead
        /// Nil when nothing is used up by it.
        var decision: AuthorizationDecision?
    }

    /// Stable: objects of one rank stay in the order of the view.
    private static func ordered(_ candidates: [Candidate], by policy: ContextPolicy) -> [Candidate] {
        if policy == .recencyFirst {
            return candidates.enumerated().sorted {
                ($1.element.head.updatedAt, $0.offset) < ($0.element.head.updatedAt, $1.offset)
            }.map(\.element)
        }
        let rank = rank(policy)
        return candidates.enumerated().sorted { (rank($0.element.head), $0.offset) < (rank($1.element.head), $1.offset) }.map(\.element)
    }

    /// Places in the ordered list, by rank, and those of one rank from its end: a view grows at its end.
    private static func newestFirst(_ ordered: [Candidate], by policy: ContextPolicy) -> [Int] {
        if policy == .recencyFirst { return Array(ordered.indices) }
        let rank = rank(policy)
        return ordered.indices.sorted { (rank(ordered[$0].head), $1) < (rank(ordered[$1].head), $0) }
    }

    private static func rank(_ policy: ContextPolicy) -> (ObjectHead) -> Int {
        let first = firstTypes(policy)
        return { first.firstIndex(of: $0.type) ?? first.count }
    }

    private static func firstTypes(_ policy: ContextPolicy) -> [ObjectType] {
        switch policy {
        case .planFirst: [.goal, .task, .plan, .step]
        case .evidenceFirst: [.evidence, .claim, .observation]
        case .errorDebug: [.errorTrace, .testResult, .codePatch]
        case .recencyFirst: []
        }
    }

    private static func rendered(_ object: AgentObject) -> String {
        var header: [String] = [
            "oid=\(object.id)", "namespace=\(object.namespace)", "name=\(object.name)", "qualified_name=\(object.qualifiedName)",
            "type=\(object.type.rawValue)", "version=\(object.version)",
        ]
        if let title = object.metadata.title { header.append("title=\(JSONValue.string(title).canonicalText)") }
        var lines = ["[object \(header.joined(separator: " "))]"]
        if let summary = object.metadata.summary { lines.append("summary: \(JSONValue.string(summary).canonicalText)") }
        lines.append(object.payload.prettyText)
        return lines.joined(separator: "\n")
    }
}
