internal import CapabilityBroker
internal import LibOSModel
internal import SandboxLauncher
internal import SandboxPolicy

/// Whose sessions exclude one another: one agent process and one tool have at most one.
struct SessionOwner: Hashable, Sendable {
    var process: ProcessID
    var tool: ToolID
}

/// Everything that a call's own sandbox would be made from. A session serves a call when all of it is the same, compared whole: never with
/// more than the call was granted, and never with less narrow walls.
struct SessionKey: Sendable, Equatable {
    var owner: SessionOwner
    var image: String
    /// What the tool is and what its files hold.
    var deed: String
    var arguments: [String]
    var environment: [String: String]
    var confinement: Confinement
    var policyHash: String
    var policyName: String
    var workingDirectory: String?
    /// Of the agent process.
    var processDirectory: String
    var workspace: RunRequest.WorkspaceIdentity?
    var grants: [CapabilityGrant]
    var capabilities: [CapabilityID]
    var terms: SessionTerms

    init(_ call: PreparedCall, _ claim: SessionClaim, _ request: RunRequest) {
        self.init(claim.hold, request, claim.terms, deed: call.tool.deed(call.programs))
    }

    init(_ hold: SessionHold, _ request: RunRequest, _ terms: SessionTerms, deed: String = "") {
        owner = SessionOwner(process: hold.process, tool: hold.tool)
        image = hold.image
        self.deed = deed
        arguments = request.arguments
        environment = request.environment
        confinement = request.confinement
        policyHash = request.policyHash
        policyName = request.policyName
        workingDirectory = request.workingDirectory
        processDirectory = hold.workingDirectory
        workspace = request.workspaceIdentity
        grants = hold.grants
        capabilities = hold.capabilities
        self.terms = terms
    }
}
