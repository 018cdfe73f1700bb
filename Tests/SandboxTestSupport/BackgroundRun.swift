internal import Glibc
package import SandboxLauncher
internal import Synchronization

/// A run on a thread of its own, begun before `init` returns: a test that blocks while it waits for its tool must not be what
/// keeps the run from starting (tasks share as many threads as there are processors).
package final class BackgroundRun: Sendable {
    package let cancellation: RunCancellation
    private let state = Mutex(State())

    private struct State {
        var report: RunReport?
        var waiter: CheckedContinuation<RunReport, Never>?
    }

    package init(_ supervisor: SandboxSupervisor, _ request: RunRequest) throws {
        let cancellation = try RunCancellation()
        self.cancellation = cancellation
        let body = ThreadBody { [self] in finish(supervisor.run(request, cancellation: cancellation)) }
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        precondition(failed == 0, "no thread for a test run")
        pthread_detach(thread)
    }

    private func finish(_ report: RunReport) {
        state.withLock { state -> CheckedContinuation<RunReport, Never>? in
            state.report = report
            return state.waiter
        }?.resume(returning: report)
    }

    /// Waits for the end; to be asked once.
    package func report() async -> RunReport {
        await withCheckedContinuation { continuation in
            state.withLock { state -> RunReport? in
                if state.report == nil { state.waiter = continuation }
                return state.report
            }.map { continuation.resume(returning: $0) }
        }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
