internal import Glibc
internal import LinuxPrimitives
package import SandboxLauncher
package import SandboxPolicy

/// A run that is under way: the processes of its tree as the host sees them.
package struct RunningTool: Sendable {
    package let launcher: ProcessTable.Entry
    package let initProcess: ProcessTable.Entry
    package let tool: ProcessTable.Entry
    package let cancellation: RunCancellation

    /// The sandbox's init, the tool and everything below them.
    package var tree: [ProcessTable.Entry] { ProcessTable.tree(of: initProcess.pid) }

    package struct NotFound: Error { package let marker: String }

    /// Finds a tree by a word that the tool's command line holds.
    package static func find(_ marker: String, _ cancellation: RunCancellation) throws -> RunningTool {
        for tool in ProcessTable.running(marker) {
            guard let first = ProcessTable.entry(tool.parent), let launcher = ProcessTable.entry(first.parent),
                first.name.hasPrefix("glovebox-launch"), launcher.name.hasPrefix("glovebox-launch")
            else { continue }
            return RunningTool(launcher: launcher, initProcess: first, tool: tool, cancellation: cancellation)
        }
        throw NotFound(marker: marker)
    }
}

extension SandboxFixture {
    /// Runs a shell script that prints a line when it is ready, calls `body` then, and gives the run's report. The run is
    /// cancelled when `body` throws. The script sees its own marker as `$0`.
    package func whileRunning<Value: Sendable>(
        _ policy: ResolvedPolicy, script: String, _ body: (RunningTool) async throws -> Value
    ) async throws -> (Value, RunReport) {
        var pipe = try Pipe.make()
        var lines = LineReader(pipe.takeFirst())
        let writing = pipe.takeSecond()
        let marker = "marker-\(id)-\(MonotonicClock.now())"
        let request = try request(
            policy, ["/bin/sh", "-c", script, marker],
            output: .forward(stdout: writing.rawValue, stderr: writing.rawValue, sanitizeStdout: false, sanitizeStderr: false))
        let cancellation = try RunCancellation()
        let ended = Task.detached { [supervisor] in await supervisor.runDetached(request, cancellation) }
        do {
            guard let first = try lines.next(), first == "ready" else { throw RunningTool.NotFound(marker: "the script was not ready") }
            let value = try await body(try RunningTool.find(marker, cancellation))
            let report = await ended.value
            writing.close()
            return (value, report)
        } catch {
            cancellation.cancel()
            _ = await ended.value
            throw error
        }
    }
}

extension SandboxSupervisor {
    /// `run` with a cancellation of the caller's own, on a thread of its own.
    package func runDetached(_ request: RunRequest, _ cancellation: RunCancellation) async -> RunReport {
        await withCheckedContinuation { continuation in
            let box = ThreadBody { continuation.resume(returning: self.run(request, cancellation: cancellation)) }
            var thread = pthread_t()
            let failed = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
                    return nil
                }, Unmanaged.passRetained(box).toOpaque())
            precondition(failed == 0, "no thread for a test run")
            pthread_detach(thread)
        }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
