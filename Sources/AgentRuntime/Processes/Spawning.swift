package import CapabilityBroker
internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// A root process to be made.
package struct SpawnRequest: Sendable {
    package var image: String
    package var goal: ProcessGoal
    /// What an operator gives it. An image's own wishes are never granted.
    package var capabilities: [CapabilityTerms]
    package var budget: ResourceBudget
    package var workingDirectory: String

    package init(
        image: String = BuiltInImages.base.id, goal: ProcessGoal, capabilities: [CapabilityTerms] = [], budget: ResourceBudget = .standard,
        workingDirectory: String = "."
    ) {
        self.image = image
        self.goal = goal
        self.capabilities = capabilities
        self.budget = budget
        self.workingDirectory = workingDirectory
    }
}

/// A child to be made by a process.
package struct ChildRequest: Sendable {
    package var goal: ProcessGoal
    /// nil: the parent's.
    package var image: String?
    /// What the child takes over; the parent must be allowed each of it always, and may pass it on.
    package var inherited: [NeededRight]
    /// nil: half of the parent's, cut to what the parent has left.
    package var budget: ResourceBudget?
    /// nil: the parent's. Seen from the parent's.
    package var workingDirectory: String?

    package init(
        goal: ProcessGoal, image: String? = nil, inherited: [NeededRight] = [], budget: ResourceBudget? = nil,
        workingDirectory: String? = nil
    ) {
        self.goal = goal
        self.image = image
        self.inherited = inherited
        self.budget = budget
        self.workingDirectory = workingDirectory
    }
}

extension ProcessTable {
    /// Makes a root process and lets it run.
    package func spawn(_ request: SpawnRequest, in transaction: any StoreTransaction) throws(LibOSError) -> AgentProcess {
        var process = AgentProcess(
            image: request.image, workingDirectory: try WorkingDirectory.clean(request.workingDirectory), budget: request.budget,
            createdAt: transaction.now)
        try begin(&process, goal: request.goal, in: transaction)
        for terms in request.capabilities { _ = try authority.grant(terms, to: process.id, by: "runtime", in: transaction) }
        let facts: JSONValue = .object([
            "pid": .string(process.id.text), "image": .string(process.image), "goal_oid": .optional(process.goal),
            "working_directory": .string(process.workingDirectory),
        ])
        try transaction.emit(.processCreated, from: "runtime", to: process.id.text, facts)
        try transaction.audit(
            "process.spawn", by: "runtime", target: process.id.resourceText, outputs: [process.goal].compactMap { $0 },
            .object(["image": .string(process.image), "working_directory": .string(process.workingDirectory)]))
        return try finish(process, in: transaction)
    }

    /// Makes a child that sees its goal and nothing else. Needs execute on `process:spawn`.
    package func spawnChild(
        _ request: ChildRequest, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentProcess {
        let (parent, child) = try beginChild(request, by: origin, in: transaction)
        let inherited = try hand(request.inherited, to: child, from: "process.spawn_child:\(parent.id)", by: origin, in: transaction)
        let facts: JSONValue = .object([
            "child": .string(child.id.text), "parent": .string(parent.id.text), "image": .string(child.image),
            "goal_oid": .optional(child.goal), "working_directory": .string(child.workingDirectory),
        ])
        try transaction.emit(.processCreated, from: parent.id.text, to: child.id.text, facts)
        try transaction.audit(
            "process.spawn_child", by: parent.id.text, target: child.id.resourceText, inputs: [parent.goal].compactMap { $0 },
            outputs: [child.goal].compactMap { $0 }, capabilities: inherited, facts)
        return try finish(child, in: transaction)
    }

    /// Makes a child that sees what its parent sees, as far as the mode and the parent's own authority go. Needs execute on
    /// `process:spawn`.
    package func fork(
        _ request: ChildRequest, mode: ForkMode = .restricted, view spec: MemoryViewSpec = MemoryViewSpec(), by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentProcess {
        let (parent, begun) = try beginChild(request, by: origin, in: transaction)
        var child = begun
        let goalRoots = child.view?.roots ?? []
        var view = try memory.forkView(
            parent.view ?? MemoryView(owner: parent.id), spec: spec, mode: mode.viewMode, to: child.id, by: origin, in: transaction)
        view.roots += goalRoots
        child.view = view
        let inherited = try hand(request.inherited, to: child, from: "process.fork:\(parent.id)", by: origin, in: transaction)
        let facts: JSONValue = .object([
            "parent": .string(parent.id.text), "child": .string(child.id.text), "mode": .string(mode.rawValue),
            "working_directory": .string(child.workingDirectory),
        ])
        try transaction.emit(.processForked, from: parent.id.text, to: child.id.text, facts)
        try transaction.audit(
            "process.fork", by: parent.id.text, target: child.id.resourceText, inputs: [parent.goal].compactMap { $0 },
            outputs: [child.goal].compactMap { $0 }, capabilities: inherited, facts)
        return try finish(child, in: transaction)
    }

    /// Checks what can refuse a child, charges the parent and its ancestors, and makes the child's record, namespace and goal.
    private func beginChild(
        _ request: ChildRequest, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> (parent: AgentProcess, child: AgentProcess) {
        let parent = try transaction.existingProcess(origin.process)
        try parent.requireAlive(to: "make a child")
        try authority.require([.execute], on: .spawn, for: origin, in: transaction)
        if let image = request.image, try transaction.image(image) == nil { throw .notFound("image \(image)") }
        let directory = try request.workingDirectory.map { path throws(LibOSError) in
            try WorkingDirectory.clean(path, from: parent.workingDirectory)
        }
        let budget = try ChildBudget.of(request.budget, under: parent)
        try transaction.charge(1, of: .childProcesses, to: parent.id)
        var child = AgentProcess(
            parent: parent.id, image: request.image ?? parent.image, workingDirectory: directory ?? parent.workingDirectory,
            budget: budget, createdAt: transaction.now)
        try begin(&child, goal: request.goal, in: transaction)
        return (parent, child)
    }

    private func hand(
        _ needs: [NeededRight], to child: AgentProcess, from issuer: String, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityID] {
        var handed: [CapabilityID] = []
        for need in needs {
            handed += try authority.inherit(need, from: origin.process, to: child.id, by: issuer, in: transaction).map(\.id)
        }
        return handed
    }

    /// The record, its namespace, its goal and a view of the goal.
    private func begin(
        _ process: inout AgentProcess, goal: ProcessGoal, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.insert(process)
        try memory.ensureProcessNamespace(of: process.id, in: transaction)
        let handle = try goalHandle(goal, of: process.id, in: transaction)
        process.goal = handle.object
        process.view = MemoryView(owner: process.id, roots: [handle], mode: .mutable)
    }

    /// Lets the process run, with the tools that its image names.
    private func finish(_ process: AgentProcess, in transaction: any StoreTransaction) throws(LibOSError) -> AgentProcess {
        var process = process
        process.toolTable = try toolTable(of: process, in: transaction)
        try process.admit(at: transaction.now)
        try transaction.update(process)
        return process
    }

    func goalHandle(
        _ goal: ProcessGoal, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle {
        if case .object(let handle) = goal { return handle }
        let metadata = ObjectMetadata(title: "Process goal", tags: ["goal"])
        return try memory.create(
            ObjectDraft(type: .goal, payload: goal.payload ?? .null, metadata: metadata),
            by: ActionOrigin(process: process, tool: "process.spawn"), in: transaction
        ).handle
    }
}
