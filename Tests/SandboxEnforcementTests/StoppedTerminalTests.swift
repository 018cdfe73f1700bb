import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Synchronization
import Testing

/// A terminal that somebody has stopped takes nothing. The run's clock goes on, and its output stays bounded.
@Suite(.serialized) struct StoppedTerminalTests {
    /// The caller's terminal, stopped as by Ctrl-S.
    private final class Stopped: Sendable {
        private let pty: PseudoTerminal
        let slave: Int32
        private let isReleased = Mutex(false)

        init() throws {
            let opened = try PseudoTerminal()
            slave = opened.slave ?? -1
            pty = opened
            guard tcflow(slave, TCOOFF) == 0 else { throw SystemError(errno: errno, operation: "tcflow") }
        }

        var master: Int32 { pty.master.rawValue }

        /// Lets a run go that waits for the terminal, so that a failure is a failure and no hang.
        func release() {
            isReleased.withLock { $0 = true }
            tcflow(slave, TCOON)
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            while (try? Polling.wait(master, for: .readable, deadline: MonotonicClock.now() + 500_000_000)) == true {
                if read(master, &bytes, bytes.count) <= 0 { break }
            }
        }

        var wasReleased: Bool { isReleased.withLock { $0 } }
    }

    private static func end(
        of request: RunRequest, _ fixture: SandboxFixture, on terminal: Stopped, cancel: Bool = false
    ) async throws -> RunReport {
        let run = try BackgroundRun(fixture.supervisor, request)
        if cancel { run.cancellation.cancel() }
        let watch = Task {
            try await Task.sleep(for: .seconds(20))
            terminal.release()
            run.cancellation.cancel()
        }
        let report = await run.report()
        watch.cancel()
        #expect(!terminal.wasReleased, "the run waited for the terminal")
        return report
    }

    /// Outside, whoever writes to it waits.
    private static func expectWaiting(_ terminal: Stopped) throws {
        var entry = [pollfd(fd: terminal.slave, events: Int16(POLLOUT), revents: 0)]
        #expect(try Polling.wait(&entry, timeoutMilliseconds: 0) == 0)
    }

    @Test(.timeLimit(.minutes(1))) func `the wall-clock limit holds on a stopped terminal`() async throws {
        try await SandboxFixture.with { fixture in
            let terminal = try Stopped()
            try Self.expectWaiting(terminal)
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 700])
            let request = try fixture.request(policy, PerlScript.arguments("print 'x' x 4096 while 1"), output: .terminal(terminal.slave))
            // The last of the output still waits for the terminal, until the run is cancelled.
            let run = try BackgroundRun(fixture.supervisor, request)
            let watch = Task {
                try await Task.sleep(for: .seconds(3))
                run.cancellation.cancel()
            }
            let report = await run.report()
            watch.cancel()
            #expect(report.outcome == .timedOut(limitMilliseconds: 700))
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func `a cancelled run ends although its terminal is stopped`(relayed: Bool) async throws {
        try await SandboxFixture.with { fixture in
            let terminal = try Stopped()
            try Self.expectWaiting(terminal)
            let output: RunRequest.Output =
                relayed
                ? .terminal(terminal.slave)
                : .forward(stdout: terminal.slave, stderr: terminal.slave, sanitizeStdout: true, sanitizeStderr: true)
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 20_000])
            let request = try fixture.request(policy, PerlScript.arguments("print 'x' x 4096 while 1"), output: output)
            #expect(try await Self.end(of: request, fixture, on: terminal, cancel: true).outcome == .cancelled)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the output limit holds on a terminal`() async throws {
        try await SandboxFixture.with { fixture in
            let pty = try PseudoTerminal()
            let slave = pty.slave ?? -1
            #expect(try fixture.outside("flood-stdout", "3000").detail != nil)
            let policy = try TestPolicies.shipped("workspace", limits: [.output: 1024])
            let report = try await fixture.seal(policy, [Products.probe, "flood-stdout", "3000"], output: .terminal(slave))
            #expect(report.outcome == .outputLimitExceeded(limit: 1024, stream: "terminal"))
            #expect(report.hit("output")?.value == "1KiB")
            #expect(report.usage.stdoutBytes > 1024)
            // No more than the limit reached the caller.
            try pty.master.setNonBlocking(true)
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            var seen = 0
            while case let count = read(pty.master.rawValue, &bytes, bytes.count), count > 0 { seen += count }
            #expect(seen == 1024)
        }
    }
}
