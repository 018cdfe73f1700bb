internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import StrictJSON

/// The built-in tool reads a file: decision, sandbox, worker and records.
actor FileRead {
    private let runtime: BenchRuntime
    private let kind: LaunchKind
    private var process: ProcessID?
    private var calls = 0
    private var isFirst = true

    /// For the worker to be there, nanoseconds.
    private static let patience: UInt64 = 5_000_000_000

    /// - Parameter kind: how each call has to come to its sandbox.
    init(_ runtime: BenchRuntime, launchedAs kind: LaunchKind) {
        self.runtime = runtime
        self.kind = kind
    }

    nonisolated func benchmark(_ name: String) -> BenchmarkCase {
        BenchmarkCase(
            name: name, command: "ToolBroker.call, tool read_text_file", before: { await self.prepare() }, run: { await self.read() })
    }

    /// Looks whether the last call was what it should have been, and has everything ready for the next.
    private func prepare() async -> String? {
        do {
            if let problem = try await lastCallProblem() { return problem }
            if process == nil || calls >= BenchRuntime.callsOfAProcess { process = try await runtime.spawn() }
            if calls >= BenchRuntime.callsOfAProcess { calls = 0 }
            if isFirst {
                // Templates and pools are made for what was asked for before.
                for _ in 0..<3 { if let problem = await read() { return problem } }
                isFirst = false
                calls = 0
            }
            guard kind == .parked else { return nil }
            let deadline = MonotonicClock.now() + Self.patience
            while runtime.supervisor.preparedCount == 0 {
                guard MonotonicClock.now() < deadline else { return "no worker was waiting after 5 seconds" }
                try await Task.sleep(nanoseconds: 200_000)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func lastCallProblem() async throws -> String? {
        guard calls > 0, let process else { return nil }
        let call = try await runtime.store.read { store throws(LibOSError) in
            try store.toolCalls(of: process, state: nil, limit: 1).first
        }
        guard case .string(let launch)? = call?.report["launch"] else { return "the last call has no report" }
        return launch == kind.rawValue ? nil : "the last launch was \(launch)"
    }

    private func read() async -> String? {
        guard let process else { return "there is no process" }
        calls += 1
        return await runtime.read(as: process)
    }
}
