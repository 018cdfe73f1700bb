/// A named template of processes: what the model is told and which tools it sees. It grants nothing.
package struct AgentImage: Sendable, Hashable {
    package var id: String
    package var name: String
    package var version: String
    package var systemPrompt: String
    /// Names of tools that go into the tool table.
    package var defaultTools: [String]
    package var contextPolicy: ContextPolicy
    package var safetyProfile: String
    /// What the image says it needs, one `RESOURCE RIGHT[,RIGHT…]` each. Declarations: an operator reads them, nobody is granted them.
    package var requiredCapabilities: [String]

    package init(
        id: String, name: String, version: String = "v0", systemPrompt: String = "", defaultTools: [String] = [],
        contextPolicy: ContextPolicy = .planFirst, safetyProfile: String = "default", requiredCapabilities: [String] = []
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.systemPrompt = systemPrompt
        self.defaultTools = defaultTools
        self.contextPolicy = contextPolicy
        self.safetyProfile = safetyProfile
        self.requiredCapabilities = requiredCapabilities
    }
}

/// The order in which objects compete for room in a model's context.
package enum ContextPolicy: String, Sendable, CaseIterable, Hashable {
    case planFirst = "plan_first"
    case evidenceFirst = "evidence_first"
    case recencyFirst = "recency_first"
    case errorDebug = "error_debug"
}
