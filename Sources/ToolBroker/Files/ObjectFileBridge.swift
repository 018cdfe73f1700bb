internal import LibOSModel
internal import StrictJSON

/// Between files and objects: the file's half is decided and done here, the object's by the runtime.
extension ToolBroker {
    /// Bytes that go from a file into an object or back.
    private static let longest = 1 << 20
    /// Characters of an object that the runtime gives at once.
    private static let longestObject: Int64 = 200_000

    func perform(bridge syscall: Syscall, for caller: FileCaller) async -> CallOutcome {
        do throws(LibOSError) {
            let directory = try await store.read { reading throws(LibOSError) in
                try reading.existingProcess(caller.process).workingDirectory
            }
            if syscall.name == "memory.create_object_from_file" { return await createObject(try Fields(syscall, directory), caller) }
            return await writeObject(try Fields(syscall, directory), caller)
        } catch {
            return CallOutcome(kind: .failure(ToolFailure(error), Self.decision(error)), hasStarted: false)
        }
    }

    /// The arguments of both, apart: the path is ours, the rest is the runtime's.
    private struct Fields {
        var place: WorkspacePath
        var overwrite: Bool
        var rest: [JSONMember]

        init(_ syscall: Syscall, _ directory: String) throws(LibOSError) {
            guard case .object(let members) = syscall.arguments, let path = syscall.arguments.member("path")?.text else {
                throw LibOSError(.validation, "\(syscall.name) needs a `path`")
            }
            place = try WorkspacePath.of(path, in: directory)
            overwrite = syscall.arguments.member("overwrite") != .bool(false)
            rest = members.filter { $0.key != "path" && $0.key != "overwrite" }
        }
    }

    private func createObject(_ fields: Fields, _ caller: FileCaller) async -> CallOutcome {
        let file = FileCall(operation: .readText(offset: 0, most: Self.longest), place: fields.place)
        let read = await perform(file, for: caller)
        guard case .output(let output) = read.kind else { return read }
        if output.data.member("truncated") == .bool(true) {
            return CallOutcome(
                kind: .failure(ToolFailure(.validation, "\(fields.place) is larger than \(Self.longest) bytes"), .validationError),
                hasStarted: true)
        }
        let payload = JSONValue.object([
            "text": output.data.member("text") ?? .null, "path": .string(fields.place.text),
            "size_bytes": output.data.member("size_bytes") ?? .null,
        ])
        return await runtime("memory.create_object", fields.rest + [JSONMember("payload", payload)], caller)
    }

    private func writeObject(_ fields: Fields, _ caller: FileCaller) async -> CallOutcome {
        let rest = fields.rest.filter { $0.key != "max_chars" } + [JSONMember("max_chars", .int(Self.longestObject))]
        let read = await runtime("memory.read_object", rest, caller)
        guard case .output(let object) = read.kind else { return read }
        let payload = object.data.member("payload") ?? object.data
        let text = payload.text ?? payload.member("text")?.text ?? payload.canonicalText
        // The beginning of an object is not the object.
        guard text.utf8.count <= Self.longest, object.data.member("truncated") != .bool(true) else {
            return CallOutcome(
                kind: .failure(ToolFailure(.validation, "the object is larger than \(Self.longestObject) characters"), .validationError),
                hasStarted: true)
        }
        let file = FileCall(operation: .writeText(bytes: Array(text.utf8), mayOverwrite: fields.overwrite), place: fields.place)
        return await perform(file, for: caller.bound(to: text))
    }

    private func runtime(_ name: String, _ arguments: [JSONMember], _ caller: FileCaller) async -> CallOutcome {
        let syscall = Syscall(name: name, arguments: .object(arguments))
        let from = SyscallCaller(process: caller.process, tool: caller.tool, call: caller.call, resumed: caller.resumed)
        switch await kernel.perform(syscall, for: from) {
        case .value(let value): return CallOutcome(kind: .output(ToolOutput(data: value)), hasStarted: true)
        case .waiting(let wait): return CallOutcome(kind: .waiting(wait), hasStarted: false)
        case .failed(let error): return CallOutcome(kind: .failure(ToolFailure(error), Self.decision(error)), hasStarted: true)
        }
    }
}

extension FileCaller {
    /// The same action for this text alone: the object may hold another one when a person has agreed.
    fileprivate func bound(to text: String) -> FileCaller {
        var bound = self
        bound.actionHash = SHA256Text.of(actionHash + SHA256Text.of(text))
        bound.record?.actionHash = bound.actionHash
        return bound
    }
}
