internal import Benchmarking
internal import CommandOutput
internal import LinuxPrimitives
internal import Synchronization

/// What is under way, on standard error: after two seconds, one line that is written over on a terminal, and now and then a line elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var last: UInt64 = 0
        var isShown = false
    }

    private let subject: String
    private let isTerminal = TerminalWindow.isTerminal(2)
    private let began = MonotonicClock.now()
    private let state = Mutex(State())

    private static let patience: UInt64 = 2_000_000_000

    init(_ subject: String) { self.subject = subject }

    func show(_ progress: BenchProgress) {
        let now = MonotonicClock.now()
        guard now - began > Self.patience else { return }
        let isDue = state.withLock { state in
            guard now - state.last > (isTerminal ? 200_000_000 : 10_000_000_000) else { return false }
            state.last = now
            state.isShown = true
            return true
        }
        guard isDue else { return }
        let text = "glovebox: bench \(subject): \(progress.what), \(Int((max(0, min(1, progress.share)) * 100).rounded())) %"
        Console.write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n", to: 2)
    }

    /// Takes the line away again.
    func end() {
        if isTerminal, state.withLock({ $0.isShown }) { Console.write("\r\u{1B}[K", to: 2) }
    }
}

extension BenchOptions {
    /// Runs a benchmark with its progress shown, and says what came of it.
    func perform(
        _ subject: String, _ interruption: Interruption,
        _ run: (BenchHost, @escaping @Sendable (BenchProgress) -> Void, @escaping @Sendable () throws -> Void) async throws -> BenchReport
    ) async throws -> Int32 {
        let line = ProgressLine(subject)
        let report: BenchReport
        do {
            report = try await run(try host(), line.show) {
                if interruption.isRaised { throw CommandFailure.failed("stopped before everything was measured") }
            }
            line.end()
        } catch let failure as BenchmarkFailure {
            line.end()
            throw CommandFailure.failed(failure.description)
        } catch let error as SystemError {
            line.end()
            throw CommandFailure.failed("the benchmark could not be run: \(error)")
        } catch {
            line.end()
            throw error
        }
        return try show(report)
    }
}
