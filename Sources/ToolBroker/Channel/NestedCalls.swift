internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// The libOS calls that a running tool makes over its channel: each one that the tool's manifest names, on behalf of the calling process,
/// decided anew at each use, and on record. Waits for people, children and messages happen in here: the tool sees the final answer.
final class NestedCalls: Sendable {
    private let broker: ToolBroker
    private let call: PreparedCall
    private let later = Mutex<Syscall?>(nil)
    private let requests = Mutex<Set<HumanRequestID>>([])

    init(broker: ToolBroker, call: PreparedCall) {
        self.broker = broker
        self.call = call
    }

    /// The end of its process that the tool asked for: it comes when the tool's result is kept.
    var deferred: Syscall? { later.withLock { $0 } }

    /// Everything that people were asked on the way.
    var asked: Set<HumanRequestID> { requests.withLock { $0 } }

    func answer(_ syscall: Syscall) async throws(LibOSError) -> JSONValue {
        try await audit("syscall.request", syscall, [])
        do throws(LibOSError) {
            let value = try await perform(syscall)
            try await audit("syscall.result", syscall, [JSONMember("ok", .bool(true))])
            return value
        } catch {
            if Task.isCancelled {
                try await audit("syscall.cancelled", syscall, [])
            } else {
                try await audit(
                    "syscall.result", syscall,
                    [
                        JSONMember("ok", .bool(false)), JSONMember("error", .string(error.description)),
                        JSONMember("denial", error.denial?.json ?? .null),
                    ])
            }
            throw error
        }
    }

    private func perform(_ syscall: Syscall) async throws(LibOSError) -> JSONValue {
        guard call.tool.syscalls.contains(syscall.name) else {
            throw .denied(
                Denial(
                    layer: .manifest, rule: "syscalls of \(call.tool.name)",
                    reason: "the tool \(call.tool.name) is not one that makes the libOS call \(syscall.name)",
                    suggestion: "add \(syscall.name) to `syscalls` in the tool's manifest"))
        }
        if syscall.name == "process.exit" || syscall.name == "process.exec" {
            let isFirst = later.withLock { later in
                if later != nil { return false }
                later = syscall
                return true
            }
            guard isFirst else { throw LibOSError(.process, "the end of the process was asked for already") }
            return .object(["deferred": .bool(true)])
        }
        if LibOSCall.files.contains(syscall.name) {
            let file = try FileCall.read(syscall, workingDirectory: call.workingDirectory)
            var caller = FileCaller(call, syscall: syscall)
            return try await settled { resumed async in
                caller.resumed = resumed
                return await self.broker.perform(file, for: caller)
            }
        }
        if LibOSCall.bridges.contains(syscall.name) {
            let caller = FileCaller(call, syscall: syscall)
            return try await settled { resumed async in
                var caller = caller
                caller.resumed = resumed
                return await self.broker.perform(bridge: syscall, for: caller)
            }
        }
        let (kernel, process, tool, id) = (broker.kernel, call.request.process, call.tool.name, call.id)
        return try await settled { resumed async in
            switch await kernel.perform(syscall, for: SyscallCaller(process: process, tool: tool, call: id, resumed: resumed)) {
            case .value(let value): return CallOutcome(kind: .output(ToolOutput(data: value)), hasStarted: true)
            case .waiting(let wait): return CallOutcome(kind: .waiting(wait), hasStarted: false)
            case .failed(let error): return CallOutcome(kind: .failure(ToolFailure(error), .allow), hasStarted: true)
            }
        }
    }

    /// Repeats an action over its waits. A worker that asks for ever is ended by its own wall-clock limit.
    private func settled(_ action: (HumanRequestID?) async -> CallOutcome) async throws(LibOSError) -> JSONValue {
        var resumed: HumanRequestID?
        while true {
            switch await action(resumed).kind {
            case .output(let output): return output.data
            case .failure(let failure, _): throw failure.libOSError
            case .waiting(let wait):
                if case .human(let asked) = wait { requests.withLock { $0.formUnion(asked) } }
                try await broker.kernel.settled(wait, of: call.request.process)
                if case .human(let requests) = wait { resumed = requests.first }
                if Task.isCancelled { throw LibOSError(.process, "the tool that asked has ended") }
            }
        }
    }

    private func audit(_ action: String, _ syscall: Syscall, _ members: [JSONMember]) async throws(LibOSError) {
        let call = call
        try await broker.store.write { transaction throws(LibOSError) in
            _ = try transaction.append(
                AuditEntry(
                    actor: call.request.process.text, action: action, target: call.resource,
                    decision: .object(
                        [
                            JSONMember("call_id", .string(call.id.text)), JSONMember("syscall", .string(syscall.name)),
                            JSONMember("args_sha256", .string(SHA256Text.of(syscall.arguments.canonicalText))),
                        ] + members), parent: call.intent, correlation: call.request.correlation ?? call.id.text))
        }
    }
}

extension ToolFailure {
    /// The same for the runtime's own words.
    var libOSError: LibOSError {
        let code: LibOSError.Code =
            switch self.code {
            case .validation: .validation
            case .denied, .confirmationRequired: .denied
            case .timeout: .timeout
            case .rateLimited: .limit
            case .transient, .execution, .unsupported: .process
            }
        return LibOSError(code, message, denial: denial)
    }
}
