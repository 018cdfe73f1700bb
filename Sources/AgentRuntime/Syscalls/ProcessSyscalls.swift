internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    private static let childKeys: Set<String> = [
        "goal", "image", "inherit_read_files", "inherit_write_files", "inherit_read_dirs", "inherit_write_dirs", "inherit_capabilities",
        "working_directory", "resource_budget",
    ]

    static let process: [String: SyscallEntry] = [
        "process.cwd": SyscallEntry(
            [],
            body: { scope, _ throws(LibOSError) in
                let process = try scope.transaction.existingProcess(scope.origin.process)
                return .done(.object(["working_directory": .string(process.workingDirectory)]))
            }),
        // That the directory is there was seen to before the transaction.
        "process.chdir": SyscallEntry(
            ["path"],
            body: { scope, arguments throws(LibOSError) in
                let directory = try scope.runtime.processes.setWorkingDirectory(
                    try arguments.requiredText("path"), by: scope.origin, in: scope.transaction)
                return .done(.object(["working_directory": .string(directory)]))
            }),
        "process.spawn_child": SyscallEntry(
            childKeys, needs: { _, _ throws(LibOSError) in [NeededRight(resource: .spawn, rights: [.execute])] },
            body: { scope, arguments throws(LibOSError) in
                let child = try scope.runtime.processes.spawnChild(
                    try ChildArguments.read(scope, arguments), by: scope.origin, in: scope.transaction)
                return .done(born(child))
            }),
        "process.fork": SyscallEntry(
            childKeys.union(["mode", "include_parent_roots", "root_oids"]),
            needs: { _, _ throws(LibOSError) in [NeededRight(resource: .spawn, rights: [.execute])] },
            body: { scope, arguments throws(LibOSError) in
                let view = MemoryViewSpec(
                    roots: try arguments.ids("root_oids", ObjectKind.self, atMost: 1_000),
                    includesParentRoots: try arguments.flag("include_parent_roots") ?? true)
                let child = try scope.runtime.processes.fork(
                    try ChildArguments.read(scope, arguments), mode: try arguments.word("mode", ForkMode.self) ?? .restricted, view: view,
                    by: scope.origin, in: scope.transaction)
                return .done(born(child))
            }),
        "process.wait": SyscallEntry(
            ["child_pid", "block"],
            body: { scope, arguments throws(LibOSError) in
                let child = try arguments.requiredID("child_pid", ProcessKind.self)
                guard try arguments.flag("block") ?? true else {
                    let result = try scope.runtime.processes.poll(child, by: scope.origin, in: scope.transaction)
                    return .done(result.map(ended) ?? .object(["pid": .string(child.text), "ready": .bool(false)]))
                }
                switch try scope.runtime.processes.wait(for: child, by: scope.origin, in: scope.transaction) {
                case .done(let result): return .done(ended(result))
                case .waiting(let wait): return .waiting(wait)
                }
            }),
        "process.list_children": SyscallEntry(
            [],
            body: { scope, _ throws(LibOSError) in
                let children = try scope.runtime.processes.listChildren(of: scope.origin.process, in: scope.transaction)
                return .done(.object(["children": .array(children.map(born))]))
            }),
        "process.signal": SyscallEntry(
            ["child_pid", "signal", "reason"],
            body: { scope, arguments throws(LibOSError) in
                let child = try arguments.requiredID("child_pid", ProcessKind.self)
                guard let signal = try arguments.word("signal", ProcessSignal.self) else { throw arguments.missing("signal") }
                try scope.runtime.processes.signalChild(
                    child, signal, reason: try arguments.text("reason", longest: 4096), by: scope.origin, in: scope.transaction)
                return .done(born(try scope.transaction.existingProcess(child)))
            }),
        "process.merge_child_memory": SyscallEntry(
            ["child_pid"],
            body: { scope, arguments throws(LibOSError) in
                let child = try arguments.requiredID("child_pid", ProcessKind.self)
                let handles = try scope.runtime.processes.mergeChildMemory(of: child, by: scope.origin, in: scope.transaction)
                return .done(.object(["child_pid": .string(child.text), "merged_oids": .ids(handles.map(\.object))]))
            }),
        "process.exec": SyscallEntry(
            ["image", "args", "goal", "preserve_memory", "preserve_capabilities"],
            body: { scope, arguments throws(LibOSError) in
                let request = ExecRequest(
                    image: try arguments.requiredText("image", longest: 128), arguments: try arguments.object("args") ?? .object([]),
                    goal: arguments.has("goal") ? try ChildArguments.goal(arguments) : nil,
                    preservesMemory: try arguments.flag("preserve_memory") ?? true,
                    preservesCapabilities: try arguments.flag("preserve_capabilities") ?? false)
                return .done(born(try scope.runtime.processes.exec(request, by: scope.origin, in: scope.transaction)))
            }),
        "process.exit": SyscallEntry(
            ["payload", "result_oid", "message", "failed"],
            body: { scope, arguments throws(LibOSError) in
                var result = try arguments.id("result_oid", ObjectKind.self)
                if let payload = arguments.value("payload") {
                    if result != nil {
                        throw LibOSError(.validation, "process.exit was given a payload and a result_oid", mend: "send one of them")
                    }
                    let metadata = ObjectMetadata(title: "Process result", tags: ["result"])
                    result = try scope.runtime.memory.create(
                        ObjectDraft(type: .artifact, payload: payload, metadata: metadata), by: scope.origin, in: scope.transaction
                    ).object.id
                }
                let failed = try arguments.flag("failed") ?? false
                try scope.runtime.processes.exit(
                    scope.origin, result: result, failed: failed, message: try arguments.text("message", longest: 8192),
                    in: scope.transaction)
                return .done(
                    .object([
                        "pid": .string(scope.origin.process.text), "status": .string(failed ? "failed" : "exited"),
                        "result_oid": .optional(result),
                    ]))
            }),
    ]

    private static func born(_ process: AgentProcess) -> JSONValue {
        .object([
            "pid": .string(process.id.text), "status": .string(process.status.rawValue), "image": .string(process.image),
            "goal_oid": .optional(process.goal), "working_directory": .string(process.workingDirectory),
        ])
    }

    private static func ended(_ result: ProcessResult) -> JSONValue {
        .object([
            "pid": .string(result.process.text), "ready": .bool(true), "status": .string(result.status.rawValue),
            "result_oid": .optional(result.result?.object), "message": .optional(result.message),
        ])
    }
}
