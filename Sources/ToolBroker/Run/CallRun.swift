internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization

extension ToolBroker {
    /// Does what was decided. Nothing of it throws: whatever happens is an outcome that is recorded.
    func run(_ call: PreparedCall, progress: @escaping ChannelSession.ProgressHandler) async -> CallOutcome {
        switch call.plan {
        case .syscall(let syscall):
            let caller = SyscallCaller(
                process: call.request.process, tool: call.tool.name, call: call.id, resumed: call.request.resumed)
            switch await kernel.perform(syscall, for: caller) {
            case .value(let value): return CallOutcome(kind: .output(ToolOutput(data: value)), hasStarted: true)
            case .waiting(let wait): return CallOutcome(kind: .waiting(wait), hasStarted: false)
            case .failed(let error): return CallOutcome(kind: .failure(ToolFailure(error), Self.decision(error)), hasStarted: true)
            }
        case .file(let file):
            return await perform(file, for: FileCaller(call))
        case .bridge(let syscall):
            return await perform(bridge: syscall, for: FileCaller(call))
        case .command(let words): return await runCommand(call, words)
        case .channel(let words, let descriptors):
            if let claim = call.session { return await runInSession(call, words, claim, progress) }
            return await runChannel(call, words, descriptors, progress)
        }
    }

    static func decision(_ error: LibOSError) -> PolicyDecision {
        switch error.code {
        case .denied: .deny
        case .limit: .resourceLimit
        case .validation: .validationError
        default: .allow
        }
    }

    // MARK: - Commands

    private func runCommand(_ call: PreparedCall, _ words: [String]) async -> CallOutcome {
        do throws(CallRefusal) {
            let cancellation = try Self.cancellation()
            let request = try sealed(call, words, usesChannel: false)
            let report = await seal(request, cancellation)
            var outcome = CallOutcome(kind: .output(CommandOutput.value(report)), hasStarted: RunVerdict.hasStarted(report.outcome))
            outcome.take(report)
            if let refusal = RunVerdict.failure(report, isCancelled: Task.isCancelled) {
                outcome.kind = .failure(refusal.failure, refusal.decision)
            }
            return outcome
        } catch {
            return CallOutcome(kind: .failure(error.failure, error.decision), hasStarted: false)
        }
    }

    // MARK: - Channels

    func runChannel(
        _ call: PreparedCall, _ words: [String], _ descriptors: [PreparedCall.DescriptorPlan],
        _ progress: @escaping ChannelSession.ProgressHandler
    ) async -> CallOutcome {
        do throws(CallRefusal) {
            let cancellation = try Self.cancellation()
            let calls = NestedCalls(broker: self, call: call)
            // Files, channel, run and talk are one thread's: each other one would have to be woken, which takes longer than what it does.
            let talked = await withTaskCancellationHandler {
                await Self.onThread(otherwise: Self.noThread) { [self] () -> Result<Talked, CallRefusal> in
                    do throws(CallRefusal) {
                        return .success(try talk(call, words, descriptors, calls, progress, cancellation))
                    } catch {
                        return .failure(error)
                    }
                }
            } onCancel: {
                cancellation.cancel()
            }
            let (handed, session, end, report) = try talked.get().parts
            await session.lastCallEnded()
            var outcome = await concluded(call, end, report, handed, deferred: calls.deferred)
            outcome.asked = calls.asked
            outcome.isCancelled = Task.isCancelled
            return outcome
        } catch {
            return CallOutcome(kind: .failure(error.failure, error.decision), hasStarted: false)
        }
    }

    private struct Talked: Sendable {
        let parts: (handed: HandedFiles, session: ChannelSession, end: ChannelSession.End, report: RunReport)
    }

    private static var noThread: Result<Talked, CallRefusal> {
        .failure(CallRefusal(.init(.transient, "no thread is left for the call", isRetryable: true), .sandboxUnavailable))
    }

    /// The call from its files to its last word, on the calling thread.
    private func talk(
        _ call: PreparedCall, _ words: [String], _ descriptors: [PreparedCall.DescriptorPlan], _ calls: NestedCalls,
        _ progress: @escaping ChannelSession.ProgressHandler, _ cancellation: RunCancellation
    ) throws(CallRefusal) -> Talked {
        let handed = try HandedFiles.open(descriptors, files)
        let session: ChannelSession
        do throws(SystemError) {
            session = try ChannelSession(
                .init(tool: call.tool.name, call: call.id, arguments: call.arguments, descriptors: handed.descriptors), limits: limits,
                handler: { syscall async throws(LibOSError) in try await calls.answer(syscall) }, progress: progress)
        } catch {
            throw CallRefusal(
                .init(.transient, "the call's channel could not be made: \(error)", isRetryable: true), .sandboxUnavailable)
        }
        var request = try sealed(call, words, usesChannel: true)
        request.channel = session.toolEnd
        // The result is the last word: what still runs is of no more use. A stream that just ended is a tool that is ending; how it did is
        // for the run to say, so that a limit is not reported as a cancellation.
        let talk = HostedTalk(session)
        request.conversation = talk
        let report = supervisor.run(request, cancellation: cancellation)
        return Talked(parts: (handed, session, talk.finish(), report)) // a run that came to no start still held the tool's end
    }

    func concluded(
        _ call: PreparedCall, _ end: ChannelSession.End, _ report: RunReport, _ handed: HandedFiles, deferred: Syscall?
    ) async -> CallOutcome {
        var outcome = CallOutcome(kind: .failure(ToolFailure(.execution, ""), .allow), hasStarted: RunVerdict.hasStarted(report.outcome))
        outcome.take(report, end: end)
        outcome.deferred = deferred
        switch end {
        case .failure(let failure): outcome.kind = .failure(failure, .allow)
        case .violation(let violation):
            outcome.deferred = nil
            // The tool's end explains a channel that just ended; a broken rule explains itself.
            if end.isEndOfStream, let verdict = RunVerdict.failure(report, isCancelled: Task.isCancelled) {
                outcome.kind = .failure(verdict.failure, verdict.decision)
            } else {
                var failure = ToolFailure(violation)
                if case .exited(let code) = report.outcome, end.isEndOfStream { failure.message += " (exit status \(code))" }
                outcome.kind = .failure(failure, .sandboxDenied)
            }
        case .result(let output):
            outcome.kind = .output(output)
            // Checked before the files take their place: a result that does not count changes nothing.
            if let problem = call.tool.problem(with: output) {
                outcome.kind = .failure(problem, .validationError)
            } else {
                do throws(LibOSError) {
                    if handed.hasEffect { try await requireStanding(call) }
                    let done = try await handed.commit()
                    outcome.fileEffects = done.effects
                    if let failure = done.failure { throw failure }
                } catch {
                    outcome.kind = .failure(ToolFailure(error), Self.decision(error))
                }
            }
        }
        return outcome
    }

    /// What a worker wrote takes its place now: what allowed that when it started may be gone.
    private func requireStanding(_ call: PreparedCall) async throws(LibOSError) {
        guard let decision = call.decision else { return }
        let request = AuthorizationRequest(
            subject: call.request.process, needs: decision.rights.map { NeededRight(resource: $0.resource, rights: [$0.right]) },
            context: ActionContext(tool: call.tool.name, actionHash: call.actionHash), policy: call.policy?.resolved)
        let objection = try await store.read { reading throws(LibOSError) in
            try capabilities.objection(to: request, after: decision, taking: call.reservation, in: reading)
        }
        if let objection { throw .denied(objection) }
    }

    // MARK: - Running

    static func cancellation() throws(CallRefusal) -> RunCancellation {
        do {
            return try RunCancellation()
        } catch {
            throw CallRefusal(.init(.transient, "no descriptor is left for the run: \(error)", isRetryable: true), .sandboxUnavailable)
        }
    }

    private func seal(_ request: RunRequest, _ cancellation: RunCancellation) async -> RunReport {
        let report = await supervisor.run(request, onThreadWith: cancellation)
        request.channel?.close() // a run that came to no start still held it
        return report
    }

    static func onThread<Value: Sendable>(otherwise: Value, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            if !DetachedThread.start({ continuation.resume(returning: body()) }) { continuation.resume(returning: otherwise) }
        }
    }

    /// The call's own confinement: what the policy allows and the call was granted, within the tool's limits.
    func sealed(_ call: PreparedCall, _ words: [String], usesChannel: Bool) throws(CallRefusal) -> RunRequest {
        guard let policy = call.policy, let decision = call.decision else { preconditionFailure("a run was decided and has a policy") }
        // Decided was the program that was there then. Whoever may change it while it runs owns it anyway.
        guard call.tool.files.isEmpty || digests.words(of: call.tool.files) == call.programs else {
            throw CallRefusal(
                .init(
                    .transient, "the files of the tool \(call.tool.name) changed after the call was decided; call it again",
                    isRetryable: true),
                .sandboxUnavailable)
        }
        var arguments = words
        do throws(PolicyError) {
            var grants = decision.grants
            var environment: [String: String] = [:]
            let isWorker = call.tool.runsWorker
            // Who is handed open files gets no names besides. Without them every call of such a tool has one policy and one hash, and
            // the sandbox's plan is made once.
            let takesNames = call.tool.descriptors.isEmpty
            if !takesNames { grants.removeAll { $0.resource.kind == .filesystem } }
            // The built-in tools need nothing of the host's but themselves.
            if !isWorker { grants += policy.runtimeGrants }
            var programs = call.tool.files
            if isWorker {
                programs += worker.programs
                arguments[0] = worker.path
                environment = worker.environment
            }
            let confined = try policies.confined(
                policy.resolved,
                to: .init(
                    grants: grants, limits: call.tool.limits, programs: programs.map { ResourcePart($0) },
                    workspace: takesNames ? ResourcePart(files.path) : nil, usesChannel: usesChannel))
            var request = RunRequest(
                arguments: arguments, confinement: confined.confinement, policyName: confined.policyName, policyHash: confined.policyHash,
                workingDirectory: workingDirectory(call, confined.confinement), environment: environment,
                output: .capture(keep: CommandOutput.kept), workspaceIdentity: files.identity)
            // All calls of such a tool have one confinement, and the worker needs nothing before the call is there.
            if isWorker, !takesNames, usesChannel { request.parkable = worker.parked }
            return request
        } catch {
            throw CallRefusal(ToolFailure(.execution, "the call cannot be confined: \(error)"), .sandboxUnavailable)
        }
    }

    /// The process's directory when the call sees it, else the first place above that it sees.
    private func workingDirectory(_ call: PreparedCall, _ confinement: Confinement) -> String? {
        guard confinement.workspace != nil else { return "/tmp" }
        let wanted = call.workingDirectory == "." ? files.path : files.path + "/" + call.workingDirectory
        // Directories on the way to something granted are there too.
        let isSeen = confinement.grants.contains { grant in
            grant.isWorkspace && (isAtOrBelow(wanted, grant.path) && grant.subtree || isAtOrBelow(grant.path, wanted))
        }
        return isSeen ? wanted : files.path
    }

    private func isAtOrBelow(_ path: String, _ parent: String) -> Bool {
        path.utf8.elementsEqual(parent.utf8) || path.utf8.starts(with: (parent + "/").utf8)
    }
}

/// Why a call came to no run.
struct CallRefusal: Error {
    var failure: ToolFailure
    var decision: PolicyDecision

    init(_ failure: ToolFailure, _ decision: PolicyDecision) {
        self.failure = failure
        self.decision = decision
    }
}

extension ToolManifest {
    /// Its manifest runs the built-in program; an argument that holds the same word does not.
    var runsWorker: Bool {
        switch action {
        case .command(let words), .channel(let words): words.first?.template.pieces == [.text(WorkerProgram.name)]
        case .syscall: false
        }
    }

    /// Bytes of a result in canonical form.
    static let longestResult = 2 << 20

    /// What is wrong with a result; nil when it may be kept.
    func problem(with output: ToolOutput) -> ToolFailure? {
        if output.data.canonicalByteCount + (output.content?.utf8.count ?? 0) > Self.longestResult {
            return ToolFailure(
                .validation, "the result is larger than \(Self.longestResult) bytes",
                denial: Denial(layer: .schema, rule: "size of results", reason: "the result is too large to be kept"))
        }
        guard let problems = self.output?.problems(with: output.data), !problems.isEmpty else { return nil }
        return ToolFailure(
            .validation, "the tool's result is not what it promises: " + problems.map(\.description).joined(separator: "; "),
            details: .object(["problems": .array(problems.map(\.json))]),
            denial: Denial(layer: .schema, rule: "output of \(name)", reason: problems[0].description))
    }
}
