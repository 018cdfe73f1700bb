internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// A process that becomes another one, with the same id.
package struct ExecRequest: Sendable {
    package var image: String
    package var arguments: JSONValue
    /// nil: the goal stays.
    package var goal: ProcessGoal?
    package var preservesMemory: Bool
    package var preservesCapabilities: Bool

    package init(
        image: String, arguments: JSONValue = .object([]), goal: ProcessGoal? = nil, preservesMemory: Bool = true,
        preservesCapabilities: Bool = false
    ) {
        self.image = image
        self.arguments = arguments
        self.goal = goal
        self.preservesMemory = preservesMemory
        self.preservesCapabilities = preservesCapabilities
    }
}

extension ProcessTable {
    /// Replaces image, tools and, when asked, goal, memory and authority. Unless capabilities are kept, only those on objects and
    /// the process's own namespace stay, and every restriction: shrinking never takes a deny away. What cannot be revoked stops
    /// the whole exec. The new image's wishes are not granted.
    package func exec(
        _ request: ExecRequest, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentProcess {
        var process = try transaction.existingProcess(origin.process)
        try process.requireAlive(to: "exec")
        guard try transaction.image(request.image) != nil else { throw .notFound("image \(request.image)") }
        if !request.preservesCapabilities { try shrinkAuthority(of: process, in: transaction) }
        let oldImage = process.image
        if let goal = request.goal {
            let handle = try goalHandle(goal, of: process.id, in: transaction)
            process.goal = handle.object
            if request.preservesMemory {
                process.see(handle)
            } else {
                process.view = MemoryView(owner: process.id, roots: [handle], mode: .mutable)
            }
        } else if !request.preservesMemory {
            process.view = nil
        }
        process.image = request.image
        process.toolTable = try toolTable(of: process, in: transaction)
        process.updatedAt = transaction.now
        try transaction.update(process)
        let facts: [JSONMember] = [
            JSONMember("old_image", .string(oldImage)), JSONMember("new_image", .string(process.image)),
            JSONMember("preserve_memory", .bool(request.preservesMemory)),
            JSONMember("preserve_capabilities", .bool(request.preservesCapabilities)),
            JSONMember("goal_oid", .optional(process.goal)), JSONMember("working_directory", .string(process.workingDirectory)),
        ]
        try transaction.emit(.processExec, from: process.id.text, to: process.id.text, .object(facts))
        try transaction.audit(
            "process.exec", by: process.id.text, target: process.id.resourceText, .object(facts + [JSONMember("args", request.arguments)]))
        return process
    }

    private func shrinkAuthority(of process: AgentProcess, in transaction: any StoreTransaction) throws(LibOSError) {
        let own = try Resource.namespace(process.namespace)
        for record in try transaction.capabilities(of: process.id) where record.effect != .deny {
            if record.resource.kind == .object || record.resource == own { continue }
            // Revoking one takes what hangs below it along.
            guard try transaction.capability(record.id)?.isActive(at: transaction.now) == true else { continue }
            try authority.revoke(record.id, by: "process.exec", reason: "exec capability shrink", in: transaction)
        }
    }

    /// Where relative names begin from now on. That the directory exists is for the caller to see to.
    package func setWorkingDirectory(
        _ path: String, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> String {
        var process = try transaction.existingProcess(origin.process)
        try process.requireAlive(to: "change its working directory")
        let old = process.workingDirectory
        process.workingDirectory = try WorkingDirectory.clean(path, from: old)
        process.updatedAt = transaction.now
        try transaction.update(process)
        try transaction.audit(
            "process.chdir", by: process.id.text, target: process.id.resourceText,
            .object(["from": .string(old), "working_directory": .string(process.workingDirectory)]))
        return process.workingDirectory
    }
}
