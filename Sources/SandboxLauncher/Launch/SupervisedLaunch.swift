internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import Synchronization

/// From a request to its report: what is decided, the sandbox that it gets, and the run in it.
extension SandboxSupervisor {
    typealias Decisions = LaunchDecisions

    /// A sandbox with the request on its way to it.
    struct Launch {
        let sandbox: LaunchedSandbox
        let spec: LaunchSpec
        /// What stood before the request came; nil when all was built for it.
        var standing: LaunchKind?
        /// The program that takes the request over.
        var program: ParkedProgram?
    }

    func launch(
        _ given: RunRequest, _ cancellation: RunCancellation?, _ began: UInt64, isLast: Bool = false, anew: Bool = false,
        mayBeParked: Bool = true
    ) throws(LaunchError) -> RunReport {
        var request = given
        if !mayBeParked { request.parkable = nil } else if !isLast { letPythonWait(for: &request) }
        var decisions = try decide(request, cancellation, anew: anew)
        let blocked = SignalGuard() // a reader that goes away must not end the process
        defer { blocked.restore() }
        var streams = try openStreams(request)
        if let standing = try startStanding(request, decisions, streams, anew: anew) {
            return try run(standing, request, decisions, &streams, cancellation, began, isLast: isLast, anew: anew)
        }
        // A prepared sandbox looks at its own sources.
        if !anew, !decisions.plan.isCurrent { decisions = try decide(request, cancellation, anew: true) }
        let cold = try launchCold(request, decisions, streams)
        return try run(cold, request, decisions, &streams, cancellation, began, isLast: isLast, anew: anew)
    }

    private func run(
        _ launch: Launch, _ request: RunRequest, _ decisions: Decisions, _ streams: inout RunStreams,
        _ cancellation: RunCancellation?, _ began: UInt64, isLast: Bool, anew: Bool
    ) throws(LaunchError) -> RunReport {
        let sent = MonotonicClock.now()
        streams.handedOver()
        let leases = launch.sandbox.leases
        let preparation = LaunchPreparation(
            spec: launch.spec, plan: decisions.plan, denials: decisions.denials, network: decisions.network,
            countsMemory: leases.hasCgroup, mediationIdentity: leases.hostID.map { ($0, $0) })
        let sealed = SealedRun(
            preparation, in: launch.sandbox, program: launch.program, streams: &streams, request: request, cancellation: cancellation,
            began: began)
        var receipt: [ReceiptEntry]?
        let end = sealed.finish(
            cgroup: leases.cgroup,
            // Before the tool runs each processor is busy with its launch.
            onStart: { started in
                let made = ReceiptBuilder(
                    request: request, preparation: preparation, started: started, isRoot: KernelFacts.isRoot,
                    cgroupObstacle: cgroupObstacle
                ).receipt(cgroup: leases.cgroup)
                receipt = made
                request.monitor?.started(
                    made, ReportBuilder.launch(started, standing: launch.standing),
                    ReportBuilder.stages(of: started, began: began, sent: sent).stages)
                if isLast { cgroups?.sweep() }
            }, onExit: { if isLast { connection.dismiss() } })
        // A plan holds device and inode of every source; the launcher refuses one that was exchanged since (an upgrade of /usr).
        // Nothing of the tool ran, so the launch is tried once more with a new plan.
        if case .setupFailed("mounts", ESTALE, _) = end.outcome, !anew {
            return try self.launch(request, cancellation, began, isLast: isLast, anew: true)
        }
        // The program that was to take the call over has ended without a step into it.
        if end.wasNotTakenOver {
            pool?.callEnded(leases)
            return try self.launch(request, cancellation, began, isLast: isLast, anew: anew, mayBeParked: false)
        }
        let builder = ReportBuilder(
            request: request, preparation: preparation, end: end, began: began, sent: sent, standing: launch.standing,
            receipt: receipt)
        let report = builder.report()
        if isLast { cgroups?.retire() }
        // Ids and a cgroup in which something still lives are nobody else's.
        if end.leftBehind { unreturned.withLock { $0.append(leases) } } else { pool?.callEnded(leases) }
        return report
    }

    // MARK: - Decisions

    func decide(_ request: RunRequest, _ cancellation: RunCancellation?, anew: Bool) throws(LaunchError) -> Decisions {
        try RequestCheck.check(request)
        if servesMany, !anew, let known = decisions.decisions(for: request) { return known }
        let start = DirectoryRecord.clock()
        let network = try networkTargets(request.confinement.network, cancellation)
        let plan = try plans.plan(for: request, hosts: network.hosts, innerID: Self.innerID, anew: anew)
        let programs = try DeniedPrograms.find(request.confinement.deniedPrograms, within: plan.grants)
        var decided = Decisions(network: network, plan: plan, denials: try NameDenials(plan.denials + programs, within: plan.grants))
        guard servesMany, !request.isOnTerminal else { return decided }
        decided.spec = try composer(request, decided, terminalPath: nil, countsMemory: cgroups != nil).sandbox()
        decisions.keep(decided, for: request, lookedAtSince: start)
        return decided
    }

    /// Names are resolved anew for each run: a pinned address is only as good as it is fresh.
    private func networkTargets(_ network: NetworkConfinement, _ cancellation: RunCancellation?) throws(LaunchError) -> NetworkTargets {
        guard network.isBrokered || network.loopback != nil else { return NetworkTargets() }
        let names = try NetworkTargets.names(in: network)
        return try NetworkTargets(network, resolved: NameResolution.resolve(names, cancellation: cancellation?.descriptor))
    }

    func compose(
        _ request: RunRequest, _ decisions: Decisions, terminalPath: String?, countsMemory: Bool
    ) throws(LaunchError) -> LaunchSpec {
        let composer = composer(request, decisions, terminalPath: terminalPath, countsMemory: countsMemory)
        guard var spec = decisions.spec, !request.isOnTerminal, countsMemory == (cgroups != nil) else { return try composer.compose() }
        composer.addWords(to: &spec)
        return spec
    }

    private func composer(
        _ request: RunRequest, _ decisions: Decisions, terminalPath: String?, countsMemory: Bool
    ) -> SpecComposer {
        SpecComposer(
            request: request, plan: decisions.plan, denials: decisions.denials, isRoot: KernelFacts.isRoot, innerID: Self.innerID,
            countsMemory: countsMemory, terminal: request.isOnTerminal, terminalPath: terminalPath, filters: filters,
            usesTemplates: usesTemplates, sharesNetwork: servesMany)
    }

    private func openStreams(_ request: RunRequest) throws(LaunchError) -> RunStreams {
        do {
            return try RunStreams(request)
        } catch {
            throw LaunchError(
                .exhausted, "the run's streams could not be set up: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }

    // MARK: - A sandbox built for the call

    private func launchCold(
        _ request: RunRequest, _ decisions: Decisions, _ streams: borrowing RunStreams
    ) throws(LaunchError) -> Launch {
        let limits = request.confinement.limits
        let leases = SandboxLeases(
            identity: KernelFacts.isRoot ? try hostIdentity() : nil,
            cgroup: try? cgroups?.lease(memoryBytes: limits.memoryBytes, pids: Self.processes(limits)))
        let hostID = leases.hostID
        if let hostID { streams.belong(to: hostID, hostID) }
        var spec = try compose(request, decisions, terminalPath: streams.terminalPath, countsMemory: leases.hasCgroup)
        try spec.personalize(user: hostID ?? getuid(), group: hostID ?? getgid())
        let (groups, groupFlags) = leases.groups
        var pair = try LaunchedSandbox.statusPair()
        let theirs = pair.takeSecond()
        try connection.send(
            try LaunchSpecEncoder.encode(spec), flags: groupFlags | (streams.hasChannel ? GB_REQUEST_HAS_CHANNEL.rawValue : 0),
            cgroups: UInt32(groups.count), descriptors: [theirs.rawValue] + streams.toolDescriptors + groups)
        return Launch(sandbox: LaunchedSandbox(status: pair.takeFirst(), leases: leases), spec: spec)
    }

    private func hostIdentity() throws(LaunchError) -> HostIdentityLease? {
        if let prepared = preparedIdentity.withLock({ $0.take() }) { return prepared }
        do {
            return try HostIdentityLease()
        } catch {
            throw LaunchError(.exhausted, "no host identity is free for the run: \(error)", mend: "wait for other runs to end")
        }
    }

    /// For the cgroup: the sandbox's own init counts.
    private static func processes(_ limits: Limits) -> UInt64 { limits.pids.clampedPlus(1) }

    // MARK: - A sandbox that was there before

    /// Nil when none waits that would do; the call then gets one of its own.
    private func startStanding(
        _ request: RunRequest, _ decisions: Decisions, _ streams: borrowing RunStreams, anew: Bool
    ) throws(LaunchError) -> Launch? {
        // A terminal is a call's own from the first mount on.
        guard let pool, !anew, !request.isOnTerminal else { return nil }
        let spec = try compose(request, decisions, terminalPath: nil, countsMemory: cgroups != nil)
        if let parked = try startParked(request, spec, decisions, streams) { return parked }
        while let ready = pool.take(blueprint(of: spec, decisions, request), isAskedFor: request.parkable == nil) {
            let (sandbox, whole) = (ready.standing.sandbox, ready.standing.spec)
            let start = try LaunchSpecEncoder.encode(spec.start(of: whole, narrowing: ready.narrowing))
            guard start.count <= Int(GB_INLINE_SPEC_MAX) else { return nil }
            if let hostID = sandbox.leases.hostID { streams.belong(to: hostID, hostID) }
            guard Self.send(start, to: sandbox, streams) else { continue } // it has died with its launcher
            return Launch(sandbox: sandbox, spec: whole.inUse(by: spec), standing: .prepared)
        }
        return nil
    }

    private static func send(_ start: [UInt8], to sandbox: LaunchedSandbox, _ streams: borrowing RunStreams) -> Bool {
        guard let status = sandbox.numbers.status else { return false }
        var request = LauncherConnection.request(bytes: start.count)
        request.flags = GB_REQUEST_START.rawValue | (streams.hasChannel ? GB_REQUEST_HAS_CHANNEL.rawValue : 0)
        let header = withUnsafeBytes(of: request) { Array($0) }
        return (try? DescriptorMessage.send(on: status, header: header, body: start, descriptors: streams.toolDescriptors)) != nil
    }

    /// - Parameter parks: with the request's own program in it.
    func blueprint(
        of spec: LaunchSpec, _ decisions: Decisions, _ request: RunRequest, parks: Bool = false
    ) -> SandboxPool.Blueprint {
        let limits = request.confinement.limits
        var part: SandboxPool.ParkedPart?
        if parks, let program = request.parkable {
            let mediation = ParkedProgram.Mediation(
                plan: decisions.plan, denials: decisions.denials, confinement: request.confinement,
                watchesOpening: request.watchesOpening)
            part = SandboxPool.ParkedPart(program: program, mediation: mediation)
        }
        return SandboxPool.Blueprint(
            kind: spec.kind, covers: decisions.denials.covers, memoryBytes: limits.memoryBytes, pids: Self.processes(limits),
            countsMemory: cgroups != nil, parks: part, name: request.policyName)
    }

    /// Builds as many sandboxes for calls like this one, with its program in them if it names one, as the pool keeps ready. False when there is no pool, or when they could not
    /// be built.
    @discardableResult
    package func prepare(for given: RunRequest) throws(LaunchError) -> Bool {
        guard let pool, !given.isOnTerminal else { return false }
        var request = given
        letPythonWait(for: &request)
        var decisions = try decide(request, nil, anew: false)
        if !decisions.plan.isCurrent { decisions = try decide(request, nil, anew: true) }
        (request, decisions) = try showingFiles(request, decisions)
        if !decisions.plan.isCurrent { decisions = try decide(request, nil, anew: true) }
        return pool.fill(
            blueprint(
                of: try compose(request, decisions, terminalPath: nil, countsMemory: cgroups != nil), decisions, request,
                parks: true))
    }

    /// A call of the host's `python3` may find one that has started.
    private func letPythonWait(for request: inout RunRequest) {
        guard pool != nil, request.parkable == nil, !request.isOnTerminal else { return }
        request.parkable = python?.program(for: request)
    }

    /// What the pool holds and what it did; nil without one.
    package var poolStatus: SandboxPoolStatus? { pool?.status }

    /// How many sandboxes wait for a call.
    package var preparedCount: Int { pool?.count ?? 0 }
}
