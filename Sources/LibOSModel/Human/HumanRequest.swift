package import CapabilityLanguage
package import StrictJSON

/// Something that a person is told or asked.
package struct HumanRequest: Sendable, Hashable {
    package var id: HumanRequestID
    /// The process that asks; what is granted goes to it and to nobody else.
    package var process: ProcessID
    /// `owner` unless somebody else is named.
    package var human: String
    package var content: Content
    package var status: Status
    package var decision: HumanDecision?
    /// Whether the process waits for the decision.
    package var isBlocking: Bool
    /// After this instant it cannot be approved any more.
    package var expiresAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package enum Status: String, Sendable, CaseIterable, Hashable {
        case pending, approved, rejected, edited, cancelled, delivered, expired
        /// An approval whose one use was taken.
        case used
    }

    package enum Content: Sendable, Hashable {
        case question(text: String, context: JSONValue)
        case permission(PermissionRequest, question: String, reason: String)
        /// One action that needs a yes before it is done, as the broker saw it.
        case approval(ApprovalRequest, question: String)
        case output(message: String, channel: String)

        /// The word of the reference for it.
        package var kind: String {
            switch self {
            case .question: "question"
            case .permission: "permission_request"
            case .approval: "external_operation_approval"
            case .output: "output"
            }
        }
    }

    package init(
        id: HumanRequestID = .new(), process: ProcessID, human: String = "owner", content: Content, status: Status = .pending,
        decision: HumanDecision? = nil, isBlocking: Bool = true, expiresAt: Timestamp? = nil, createdAt: Timestamp,
        updatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.process = process
        self.human = human
        self.content = content
        self.status = status
        self.decision = decision
        self.isBlocking = isBlocking
        self.expiresAt = expiresAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
    }
}

/// Authority that a process wishes to have from now on.
package struct PermissionRequest: Sendable, Hashable {
    package var resource: Resource
    package var rights: Set<CapabilityRight>

    package init(resource: Resource, rights: Set<CapabilityRight>) {
        self.resource = resource
        self.rights = rights
    }
}

/// One action, bound by its hash: a yes is good for this action alone, once.
package struct ApprovalRequest: Sendable, Hashable {
    package var tool: String
    /// Canonical arguments, for people and for the hash.
    package var arguments: JSONValue
    /// SHA-256 over tool, canonical arguments, working directory and policy hash, lower-case hexadecimal.
    package var actionHash: String
    package var policyHash: String
    /// What the action needs and must be asked for.
    package var needs: [NeededRight]
    /// What asked for a person: capability records by their id, and rules of the policy with their place. Empty in requests of earlier
    /// versions.
    package var rules: [String]
    /// Facts that the broker gathered (what exists, sizes, a preview); never words of the tool.
    package var facts: JSONValue

    package init(
        tool: String, arguments: JSONValue, actionHash: String, policyHash: String, needs: [NeededRight], rules: [String] = [],
        facts: JSONValue = .object([])
    ) {
        self.tool = tool
        self.arguments = arguments
        self.actionHash = actionHash
        self.policyHash = policyHash
        self.needs = needs
        self.rules = rules
        self.facts = facts
    }
}

/// One resource with the rights that an action needs on it.
package struct NeededRight: Sendable, Hashable {
    package var resource: Resource
    package var rights: Set<CapabilityRight>

    package init(resource: Resource, rights: Set<CapabilityRight>) {
        self.resource = resource
        self.rights = rights
    }
}

/// What a person decided.
package struct HumanDecision: Sendable, Hashable {
    /// `human:<name>`
    package var responder: String
    package var isApproved: Bool
    /// Answer to a question.
    package var answer: String?
    /// For permission requests: what is remembered. Never `allow_once`.
    package var policy: PermissionPolicy?
    package var reason: String?
    /// How long what is remembered holds.
    package var expiresAt: Timestamp?

    package init(
        responder: String, isApproved: Bool, answer: String? = nil, policy: PermissionPolicy? = nil, reason: String? = nil,
        expiresAt: Timestamp? = nil
    ) {
        self.responder = responder
        self.isApproved = isApproved
        self.answer = answer
        self.policy = policy
        self.reason = reason
        self.expiresAt = expiresAt
    }
}
