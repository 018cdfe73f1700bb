package import StrictJSON

/// A refusal that explains itself: who refused, by which rule, how sure that is, and the smallest thing that would change it.
package struct Denial: Sendable, Hashable {
    package var layer: Layer
    /// Rule, record or limit that decided: `deny filesystem:workspace:.env read` at `workspace.yaml:12`, `cap_…`, `no record`.
    package var rule: String
    /// False when the layer can only guess what stopped the tool.
    package var isCertain: Bool
    /// One sentence for people and models.
    package var reason: String
    /// The smallest grant or change that would allow it; nil when nothing should.
    package var suggestion: String?

    package enum Layer: String, Sendable, CaseIterable, Hashable {
        case toolTable = "tool_table"
        /// What the tool's own manifest does not name.
        case manifest
        case schema, capability, policy, human, sandbox, budget, process, `protocol`
    }

    package init(layer: Layer, rule: String, isCertain: Bool = true, reason: String, suggestion: String? = nil) {
        self.layer = layer
        self.rule = rule
        self.isCertain = isCertain
        self.reason = reason
        self.suggestion = suggestion
    }

    /// As results and audit records carry it.
    package var json: JSONValue {
        .object([
            "layer": .string(layer.rawValue), "rule": .string(rule), "certain": .bool(isCertain), "reason": .string(reason),
            "suggestion": .optional(suggestion),
        ])
    }
}
