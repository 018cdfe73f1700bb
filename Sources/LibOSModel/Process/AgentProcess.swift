/// An agent as a long-lived record that the scheduler advances; not a process of the operating system.
package struct AgentProcess: Sendable, Hashable {
    package var id: ProcessID
    package var parent: ProcessID?
    /// Image that it was made from; the default image stands in for an unknown one.
    package var image: String
    package var status: ProcessStatus
    package var goal: ObjectID?
    package var view: MemoryView?
    /// Everything it may call, by name. Not what its calls may affect: that is for capabilities.
    package var toolTable: [String: ToolID]
    /// Relative to the workspace; `.` is the workspace itself.
    package var workingDirectory: String
    package var budget: ResourceBudget
    package var usage: ResourceUsage
    package var wait: WaitState?
    package var pause: PauseReason?
    package var outcome: ProcessOutcome?
    /// For people. No code reads it.
    package var statusMessage: String?
    /// Raised by every transition: a wake-up names the generation that it saw, so that a late one wakes nobody.
    package var generation: Int64
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: ProcessID = .new(), parent: ProcessID? = nil, image: String, status: ProcessStatus = .created, goal: ObjectID? = nil,
        view: MemoryView? = nil, toolTable: [String: ToolID] = [:], workingDirectory: String = ".",
        budget: ResourceBudget = .standard, usage: ResourceUsage = ResourceUsage(), wait: WaitState? = nil, pause: PauseReason? = nil,
        outcome: ProcessOutcome? = nil, statusMessage: String? = nil, generation: Int64 = 0, createdAt: Timestamp,
        updatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.parent = parent
        self.image = image
        self.status = status
        self.goal = goal
        self.view = view
        self.toolTable = toolTable
        self.workingDirectory = workingDirectory
        self.budget = budget
        self.usage = usage
        self.wait = wait
        self.pause = pause
        self.outcome = outcome
        self.statusMessage = statusMessage
        self.generation = generation
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
    }

    /// The private namespace of its objects.
    package var namespace: String { Self.namespace(of: id) }
    package static func namespace(of id: ProcessID) -> String { "process:\(id)" }
}
