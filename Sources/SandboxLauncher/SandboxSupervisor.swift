internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import Synchronization

/// Seals calls: one launcher process, one thread per run, whatever the caller does.
///
/// A supervisor may run many calls at once. Its end, even by SIGKILL, ends every tree it started.
package final class SandboxSupervisor: Sendable {
    private let connection: LauncherConnection
    private let plans = Mutex<[(key: PlanKey, plan: SandboxPlan)]>([])
    private let filters = FilterStore()
    /// Of the process that the launcher makes ahead of the first request.
    private let preparedIdentity = Mutex<HostIdentityLease?>(nil)
    private let cgroups: ControlGroupPool?
    /// Why there is no cgroup, for the receipt.
    private let cgroupObstacle: String?

    private static let innerID: UInt32 = 1000
    private static let planLimit = 64

    private struct PlanKey: Equatable {
        var policyHash: String
        /// As bytes: as strings, canonically equivalent paths would be one workspace.
        var workspace: [UInt8]?
        var workspaceWritable: Bool
        var terminal: Bool
        /// Lines of the sandbox's /etc/hosts: names lead to what they led to when the run began.
        var hosts: String
        var workspaceIdentity: RunRequest.WorkspaceIdentity?
        /// They depend on the current directory where there is no workspace.
        var denials: [PathDenial]
    }

    /// - Parameters:
    ///   - launcherPath: glovebox-launcher; nil looks beside the running program.
    ///   - usesCgroups: false leaves limits to rlimits and polling (a one-shot command that makes a cgroup for one run would pay
    ///     for it alone; tests want to see both).
    ///   - prestarts: starts the launcher now, and the process of the first run, beside what the caller does next. Without it the
    ///     first run starts them.
    ///   - isForOneRun: with `prestarts`: there will be no second run, so the launcher may keep what is left of the first until it ends.
    package init(
        launcherPath: String? = nil, usesCgroups: Bool = true, prestarts: Bool = false, isForOneRun: Bool = false
    ) throws(LaunchError) {
        let path: String
        if let launcherPath { path = launcherPath } else { path = try LauncherConnection.installedPath() }
        connection = LauncherConnection(path: path)
        // A group of v2 that we step into has to be made before any child. Asking one file system is the short way to know; where
        // it leads astray, the launcher is started again.
        var startsFirst = prestarts && !KernelFacts.hasUnifiedControlGroups
        if startsFirst { Self.prestart(connection, preparedIdentity, isForOneRun: isForOneRun) }
        if startsFirst, usesCgroups, case .v2 = KernelFacts.controlGroups {
            connection.close()
            startsFirst = false
        }
        defer { if prestarts, !startsFirst { connection.prestart(nil) } }
        guard usesCgroups else {
            (cgroups, cgroupObstacle) = (nil, "not asked for")
            return
        }
        do {
            cgroups = try ControlGroupPool(sweeps: !isForOneRun)
            cgroupObstacle = nil
        } catch {
            cgroups = nil
            cgroupObstacle = "\(error)"
        }
    }

    /// In cgroup v2 the process is cloned into its group, which then has to be there: only the launcher itself starts ahead.
    private static func prestart(
        _ connection: LauncherConnection, _ identity: borrowing Mutex<HostIdentityLease?>, isForOneRun: Bool
    ) {
        var preparation = gb_preparation()
        (preparation.inner_uid, preparation.inner_gid) = (innerID, innerID)
        (preparation.outer_uid, preparation.outer_gid) = (getuid(), getgid())
        if KernelFacts.isRoot {
            let id = identity.withLock { slot -> UInt32? in
                guard let lease = try? HostIdentityLease() else { return nil }
                let id = lease.id
                slot = consume lease
                return id
            }
            guard let id else { return connection.prestart(nil) } // all are taken: the run will say so
            (preparation.outer_uid, preparation.outer_gid) = (id, id)
            preparation.spec_flags |= GB_SPEC_MAPPED_BY_LAUNCHER.rawValue
        }
        if KernelFacts.hasTimeNamespaces { preparation.spec_flags |= GB_SPEC_NEW_TIME_NS.rawValue }
        if isForOneRun { preparation.flags |= GB_PREPARE_ONLY_LAUNCH.rawValue }
        connection.prestart(preparation)
    }

    deinit {
        shutDown()
    }

    /// Ends the launcher, with it every run, and removes the cgroups.
    package func shutDown() {
        connection.dismiss() // ends while the cgroups are removed
        _ = cgroups?.shutDown()
        connection.close()
    }

    /// Runs one call to its end on the calling thread. Nothing of its tree is alive when this returns.
    ///
    /// - Parameter isLast: nothing but `shutDown` follows, so that the launcher may leave and the cgroup go while the run ends.
    package func run(_ request: RunRequest, cancellation: RunCancellation? = nil, isLast: Bool = false) -> RunReport {
        let began = MonotonicClock.now()
        defer { request.releaseStreams() }
        do {
            return try launch(request, cancellation, began, isLast: isLast)
        } catch {
            let code: Int32 = error.code == .tooLarge ? E2BIG : EINVAL
            return ReportBuilder.notLaunched(request, .setupFailed(stage: "plan", errno: code, message: error.description))
        }
    }

    /// The same, on a thread of its own: blocking never happens on the caller's executor. Cancelling the task kills the tree.
    package func run(_ request: RunRequest) async -> RunReport {
        guard let cancellation = try? RunCancellation() else {
            let message = "no descriptor is left for the run; raise the limit on open files (ulimit -n)"
            return ReportBuilder.notLaunched(request, .setupFailed(stage: "plan", errno: EMFILE, message: message))
        }
        return await run(request, onThreadWith: cancellation)
    }

    /// The same for a caller that has more reasons than its task's end to end a run.
    package func run(_ request: RunRequest, onThreadWith cancellation: RunCancellation) async -> RunReport {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isStarted = DetachedThread.start { continuation.resume(returning: self.run(request, cancellation: cancellation)) }
                // Not here instead: a run blocks, and the threads of the caller's executor are as few as the processors.
                guard !isStarted else { return }
                let message = "no thread is left for the run; raise the limit on processes (ulimit -u)"
                continuation.resume(
                    returning: ReportBuilder.notLaunched(request, .setupFailed(stage: "plan", errno: EAGAIN, message: message)))
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    // MARK: - Launch

    private func launch(
        _ request: RunRequest, _ cancellation: RunCancellation?, _ began: UInt64, isLast: Bool = false, anew: Bool = false
    ) throws(LaunchError) -> RunReport {
        try RequestCheck.check(request)
        let blocked = SignalGuard() // a reader that goes away must not end the process
        defer { blocked.restore() }
        let isRoot = KernelFacts.isRoot
        let limits = request.confinement.limits
        var terminal = false
        if case .terminal = request.output { terminal = true }
        let network = try networkTargets(request.confinement.network, cancellation)
        let plan = try plan(for: request, terminal: terminal, hosts: network.hosts, isRoot: isRoot, anew: anew)
        let programs = try DeniedPrograms.find(request.confinement.deniedPrograms, within: plan.grants)
        let denials = try NameDenials(plan.denials + programs, within: plan.grants)

        let identity = isRoot ? try hostIdentity() : nil
        let hostID: UInt32? =
            switch identity {
            case .some(let lease): lease.id
            case nil: nil
            }
        let cgroup = lease(limits)
        let (hasCgroup, isUnified, groups): (Bool, Bool, [Int32]) =
            switch cgroup {
            case .some(let lease): (true, lease.isUnified, lease.descriptors)
            case nil: (false, false, [])
            }
        var preparation = LaunchPreparation(
            spec: LaunchSpec(), plan: plan, denials: denials, network: network, countsMemory: hasCgroup,
            mediationIdentity: hostID.map { ($0, $0) })
        var streams = try openStreams(request)
        if let hostID { streams.belong(to: hostID, hostID) }
        preparation.spec = try SpecComposer(
            request: request, plan: plan, denials: denials, isRoot: isRoot, innerID: Self.innerID,
            outer: hostID.map { ($0, $0) } ?? (getuid(), getgid()), countsMemory: hasCgroup, terminal: terminal,
            terminalPath: streams.terminalPath, filters: filters
        ).compose()
        let bytes = try LaunchSpecEncoder.encode(preparation.spec)
        try connection.send(
            bytes, flags: (isUnified ? GB_REQUEST_CGROUP_V2.rawValue : 0) | (streams.hasChannel ? GB_REQUEST_HAS_CHANNEL.rawValue : 0),
            cgroups: UInt32(groups.count),
            descriptors: streams.toolDescriptors + groups)
        let sent = MonotonicClock.now()
        streams.handedOver()
        let run = SealedRun(preparation, streams: &streams, request: request, cancellation: cancellation, began: began)
        let end = run.finish(
            cgroup: cgroup,
            // Before the tool runs each processor is busy with its launch.
            onStart: { if isLast { cgroups?.sweep() } }, onExit: { if isLast { connection.dismiss() } })
        // A plan holds device and inode of every source; the launcher refuses one that was exchanged since (an upgrade of /usr).
        // Nothing of the tool ran, so the launch is tried once more with a new plan.
        if case .setupFailed("mounts", ESTALE, _) = end.outcome, !anew {
            return try launch(request, cancellation, began, isLast: isLast, anew: true)
        }
        let builder = ReportBuilder(
            request: request, preparation: preparation, end: end, began: began, sent: sent, isRoot: isRoot,
            cgroupObstacle: cgroupObstacle)
        let report = builder.report(cgroup: cgroup)
        if isLast { cgroups?.retire() }
        return report
    }

    private func plan(for request: RunRequest, terminal: Bool, hosts: String, isRoot: Bool, anew: Bool) throws(LaunchError) -> SandboxPlan {
        let confinement = request.confinement
        let key = PlanKey(
            policyHash: request.policyHash, workspace: confinement.workspace.map { Array($0.utf8) },
            workspaceWritable: confinement.grants.contains { $0.isWorkspace && $0.rights.contains(.write) }, terminal: terminal,
            hosts: hosts,
            workspaceIdentity: request.workspaceIdentity,
            denials: confinement.workspace == nil ? confinement.denials + confinement.standingDenials : [])
        if !anew, let known = plans.withLock({ $0.first { $0.key == key }?.plan }), known.isCurrent { return known }
        var planner = SandboxPlanner(
            confinement: confinement, innerID: Self.innerID, isRoot: isRoot, landlockABI: Int32(KernelFacts.landlockABI),
            terminal: terminal,
            hosts: hosts, workspaceIdentity: request.workspaceIdentity)
        let plan = try planner.plan()
        plans.withLock { plans in
            plans.removeAll { $0.key == key }
            if plans.count >= Self.planLimit { plans.removeAll() }
            plans.append((key, plan))
        }
        return plan
    }

    /// Names are resolved anew for each run: a pinned address is only as good as it is fresh.
    private func networkTargets(_ network: NetworkConfinement, _ cancellation: RunCancellation?) throws(LaunchError) -> NetworkTargets {
        guard network.isBrokered || network.loopback != nil else { return NetworkTargets() }
        let names = try NetworkTargets.names(in: network)
        return try NetworkTargets(network, resolved: NameResolution.resolve(names, cancellation: cancellation?.descriptor))
    }

    private func hostIdentity() throws(LaunchError) -> HostIdentityLease? {
        if let prepared = preparedIdentity.withLock({ $0.take() }) { return prepared }
        do {
            return try HostIdentityLease()
        } catch {
            throw LaunchError(.exhausted, "no host identity is free for the run: \(error)", mend: "wait for other runs to end")
        }
    }

    private func lease(_ limits: Limits) -> ControlGroupLease? {
        try? cgroups?.lease(memoryBytes: limits.memoryBytes, pids: limits.pids.clampedPlus(1))
    }

    private func openStreams(_ request: RunRequest) throws(LaunchError) -> RunStreams {
        do {
            return try RunStreams(request)
        } catch {
            throw LaunchError(
                .exhausted, "the run's streams could not be set up: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }
}
