package import LibOSModel
package import SandboxPolicy

/// Whether a process may do one action: everything that the action needs is decided together.
package struct AuthorizationRequest: Sendable {
    package var subject: ProcessID
    /// Resources and rights. A file path stands for itself and, when it is a directory, for everything below: that is what a
    /// confined process gets of it.
    package var needs: [NeededRight]
    package var context: ActionContext
    /// The policy that the action runs under; its word counts as much as the records'. Nil where no policy applies.
    package var policy: ResolvedPolicy?

    package init(
        subject: ProcessID, needs: [NeededRight], context: ActionContext = ActionContext(), policy: ResolvedPolicy? = nil
    ) {
        self.subject = subject
        self.needs = needs
        self.context = context
        self.policy = policy
    }
}

/// Facts about an action that constraints of records speak of. What is not known fails the constraint that asks for it.
package struct ActionContext: Sendable, Hashable {
    /// Name of the tool that acts.
    package var tool: String?
    /// SHA-256 over tool, canonical arguments, working directory and policy hash, lower-case hexadecimal.
    package var actionHash: String?
    /// The program's whole argument list, its name first, for actions that start one.
    package var arguments: [String]?

    package init(tool: String? = nil, actionHash: String? = nil, arguments: [String]? = nil) {
        self.tool = tool
        self.actionHash = actionHash
        self.arguments = arguments
    }
}
