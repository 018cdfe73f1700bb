internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// Seals calls: one launcher process, one thread per run, whatever the caller does.
///
/// A supervisor may run many calls at once. Its end, even by SIGKILL, ends every tree it started.
package final class SandboxSupervisor: Sendable {
    let connection: LauncherConnection
    let plans = PlanStore()
    let filters = FilterStore()
    let decisions = DecisionStore()
    /// Of the process that the launcher makes ahead of the first request.
    let preparedIdentity = Mutex<HostIdentityLease?>(nil)
    /// Of runs with a process that the kernel could not end; for as long as this supervisor lives.
    let unreturned = Mutex<[SandboxLeases]>([])
    let cgroups: ControlGroupPool?
    /// Why there is no cgroup, for the receipt.
    let cgroupObstacle: String?
    let pool: SandboxPool?
    /// Nil without a pool in which one could wait.
    let python: ParkedPython?
    /// Another launch may follow the first.
    let servesMany: Bool
    let usesTemplates: Bool

    static let innerID: UInt32 = 1000
    /// - Parameters:
    ///   - launcherPath: glovebox-launcher; nil looks beside the running program.
    ///   - usesCgroups: false leaves limits to rlimits and polling (a one-shot command that makes a cgroup for one run would pay
    ///     for it alone; tests want to see both).
    ///   - prestarts: starts the launcher now, and the process of the first run, beside what the caller does next. Without it the
    ///     first run starts them.
    ///   - isForOneRun: with `prestarts`: there will be no second run, so the launcher may keep what is left of the first until it ends.
    ///   - usesTemplates: false has every sandbox built from nothing (a benchmark's and a test's case).
    ///   - pool: keeps sandboxes ready for calls of a kind that came before; nil builds each for its call.
    package init(
        launcherPath: String? = nil, usesCgroups: Bool = true, prestarts: Bool = false, isForOneRun: Bool = false,
        usesTemplates: Bool = true, pool: SandboxPoolSettings? = nil
    ) throws(LaunchError) {
        self.usesTemplates = usesTemplates
        servesMany = !isForOneRun
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
        (cgroups, cgroupObstacle) = Self.openCgroups(usesCgroups, sweeps: !isForOneRun)
        if prestarts, !startsFirst { connection.prestart(nil) }
        python = pool?.parksPython == true ? ParkedPython(besideLauncher: path) : nil
        if let pool {
            self.pool = try Self.openPool(pool, connection, cgroups, plans, decisions)
        } else {
            self.pool = nil
        }
    }

    private static func openPool(
        _ settings: SandboxPoolSettings, _ connection: LauncherConnection, _ cgroups: ControlGroupPool?, _ plans: PlanStore,
        _ decisions: DecisionStore
    ) throws(LaunchError) -> SandboxPool {
        do {
            return try SandboxPool(
                settings, connection: connection,
                lease: { (blueprint) throws(LaunchError) in try SandboxLeases(for: blueprint, from: cgroups) },
                mountsHaveChanged: {
                    plans.removeAll()
                    decisions.removeAll()
                })
        } catch {
            throw LaunchError(.exhausted, "no sandboxes can be kept ready: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }

    private static func openCgroups(_ isAsked: Bool, sweeps: Bool) -> (ControlGroupPool?, obstacle: String?) {
        guard isAsked else { return (nil, "not asked for") }
        do {
            return (try ControlGroupPool(sweeps: sweeps), nil)
        } catch {
            return (nil, "\(error)")
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
        pool?.close()
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
}
