internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

/// A call that was decided and whose intent is on record. Nothing of it has started.
struct PreparedCall: Sendable {
    var id: ToolCallID
    var request: ToolCallRequest
    var tool: ToolManifest
    /// With defaults.
    var arguments: JSONValue
    var workingDirectory: String
    var actionHash: String
    var record: ToolCallRecord
    /// The audit record of the intent, which the outcome names.
    var intent: AuditID?
    var decision: AuthorizationDecision?
    var reservation: UseReservation?
    /// Before it is narrowed to this call.
    var policy: CallPolicy?
    var plan: Plan
    /// When a worker that stays may serve it.
    var session: SessionClaim?
    /// What the tool's files held when it was decided.
    var programs: [String] = []

    enum Plan: Sendable {
        case syscall(Syscall)
        case file(FileCall)
        case bridge(Syscall)
        case command([String])
        case channel([String], [DescriptorPlan])
    }

    /// A file that a worker gets as an open descriptor.
    struct DescriptorPlan: Sendable {
        var name: String
        var place: WorkspacePath
        var mode: DescriptorTemplate.Mode
    }

    var resource: String { "tool:\(tool.spec.id)" }
}

enum Preparation: Sendable {
    case ended(ToolCallResult)
    case waiting(WaitState)
    case ready(PreparedCall)
}

/// What came of running it, before it is recorded.
struct CallOutcome: Sendable {
    enum Kind: Sendable {
        case output(ToolOutput)
        case failure(ToolFailure, PolicyDecision)
        /// A syscall that waits; the wait is recorded by the runtime.
        case waiting(WaitState)
    }
    var kind: Kind
    /// Something of the call ran, or may have run.
    var hasStarted: Bool
    var report: RunReport?
    /// How a channel tool closed its call itself; nil when it did not, and for other tools.
    var answer: Answer?
    enum Answer: String, Sendable { case completed, failed }
    /// `glovebox.run/1` and how it ended, for the record.
    var reportValue: JSONValue = .null
    /// Files that were touched, for events and audit.
    var fileEffects: [(call: FileCall, facts: [JSONMember])] = []
    /// What the tool asked people while it ran.
    var asked: Set<HumanRequestID> = []
    /// Cancelled from outside.
    var isCancelled = false
    /// The session that served it, and whether the worker stays for the next call.
    var place: SessionPlace?
    var workerStays = false
    /// `process.exit` and `process.exec` that a tool asked for: done when its result is kept.
    var deferred: Syscall?
}
