internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import Synchronization

/// The wrapped server in its sandbox: its two pipes, and what happens to it while it runs.
final class ServerRun: Sendable {
    private struct State {
        var report: RunReport?
        var waiting = WaitingViolations()
    }

    private let state = Mutex(State())
    private let wake: EventDescriptor
    private let cancellation: RunCancellation
    private let input: Mutex<OwnedDescriptor?>
    private let output: OwnedDescriptor
    /// Numbers of our ends, which do not block. The input's is good until `closeInput`.
    let inputNumber: Int32
    var outputNumber: Int32 { output.rawValue }

    /// F_SETPIPE_SZ. Where it is refused a pipe keeps the size that it has.
    private static let setPipeSize: Int32 = 1031
    /// Many messages in one go take fewer turns of two processes.
    private static let pipeBytes: Int32 = 256 << 10

    /// Starts it on a thread of its own.
    /// - Parameter request: its streams are set here.
    static func start(_ request: RunRequest, stderr: Int32, sanitizeStderr: Bool, _ supervisor: SandboxSupervisor) throws(SystemError)
        -> ServerRun
    {
        var toServer = try Pipe.make()
        var fromServer = try Pipe.make()
        let theirInput = ToolStream(end: toServer.takeFirst())
        let theirOutput = ToolStream(end: fromServer.takeSecond())
        let run = try ServerRun(input: toServer.takeSecond(), output: fromServer.takeFirst())
        var request = request
        request.input = .attached(theirInput)
        request.output = .attached(theirOutput, stderr: stderr, sanitizeStderr: sanitizeStderr)
        request.onViolation = { run.note($0) }
        let final = request
        let isStarted = DetachedThread.start { run.finish(supervisor.run(final, cancellation: run.cancellation)) }
        guard isStarted else { throw SystemError(errno: EAGAIN, operation: "pthread_create", object: "the server's run") }
        return run
    }

    private init(input: consuming OwnedDescriptor, output: consuming OwnedDescriptor) throws(SystemError) {
        for number in [input.rawValue, output.rawValue] { _ = fcntl(number, Self.setPipeSize, Self.pipeBytes) }
        try input.setNonBlocking(true)
        try output.setNonBlocking(true)
        inputNumber = input.rawValue
        self.input = Mutex(consume input)
        self.output = consume output
        wake = try EventDescriptor()
        cancellation = try RunCancellation()
    }

    /// Readable when there is a report or a violation.
    var wakeNumber: Int32 { wake.rawValue }
    func drainWake() { _ = try? wake.drain() }

    /// Nil as long as anything of the server lives.
    var report: RunReport? { state.withLock { $0.report } }

    func takeViolations() -> WaitingViolations {
        state.withLock { state in
            defer { state.waiting = WaitingViolations() }
            return state.waiting
        }
    }

    /// The server sees the end of its input.
    func closeInput() { input.withLock { $0 = nil } }

    /// Ends the whole tree.
    func cancel() { cancellation.cancel() }

    private func note(_ violation: Violation) {
        state.withLock { $0.waiting.add(violation) }
        try? wake.signal()
    }

    private func finish(_ report: RunReport) {
        state.withLock { $0.report = report }
        try? wake.signal()
    }
}
