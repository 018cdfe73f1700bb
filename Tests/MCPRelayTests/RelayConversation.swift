import Glibc
import LinuxPrimitives
import MCPRelay
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Synchronization
import TestSupport
import Testing

/// A client in conversation with the scripted server, through a relay and in a real sandbox.
final class RelayConversation: Sendable {
    private let toRelay: Mutex<OwnedDescriptor?>
    private let lines: Mutex<LineReader>
    private let stop: EventDescriptor
    private let ended = Mutex<(report: RunReport?, waiter: CheckedContinuation<RunReport, Never>?)>((nil, nil))

    /// The policy that the server runs under when the test names no other.
    static func policy() throws -> ResolvedPolicy {
        try TestPolicies.shipped("workspace", limits: [.wall: 600_000, .cpu: 600_000])
    }

    init(
        _ sandbox: SandboxFixture, gate: any ToolGate, limits: RelayLimits = RelayLimits(), policy: ResolvedPolicy? = nil,
        arguments: [String]? = nil, watchesOpening: Bool = false
    ) throws {
        try sandbox.file("server.pl", ServerScript.text)
        var input = try Pipe.make()
        var output = try Pipe.make()
        toRelay = Mutex(input.takeSecond())
        lines = Mutex(LineReader(output.takeFirst()))
        stop = try EventDescriptor()
        var request = try sandbox.request(policy ?? Self.policy(), arguments ?? ["/usr/bin/perl", "server.pl"])
        request.watchesOpening = watchesOpening
        let final = request
        let ends = ClientEnds(input: input.takeFirst(), output: output.takeSecond())
        let (supervisor, stopNumber) = (sandbox.supervisor, stop.rawValue)
        let isStarted = DetachedThread.start { [self] in
            do {
                let session = try RelaySession(
                    final, client: .init(input: ends.input, output: ends.output, log: ends.output, cleansLog: false).withoutLog,
                    gate: gate, limits: limits, supervisor: supervisor, interruption: stopNumber)
                let report = session.run()
                ends.close()
                finish(report)
            } catch {
                preconditionFailure("no relay: \(error)")
            }
        }
        precondition(isStarted, "no thread for a relay")
    }

    private final class ClientEnds: Sendable {
        private let owners: Mutex<[OwnedNumber]>
        let input: Int32
        let output: Int32
        init(input: consuming OwnedDescriptor, output: consuming OwnedDescriptor) {
            self.input = input.rawValue
            self.output = output.rawValue
            owners = Mutex([OwnedNumber(input.take()), OwnedNumber(output.take())])
        }
        func close() { owners.withLock { $0 = [] } }
    }

    private final class OwnedNumber: Sendable {
        private let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { Glibc.close(number) }
    }

    private func finish(_ report: RunReport) {
        ended.withLock { state -> CheckedContinuation<RunReport, Never>? in
            state.report = report
            return state.waiter
        }?.resume(returning: report)
    }

    /// To be asked once.
    func report() async -> RunReport {
        await withCheckedContinuation { continuation in
            ended.withLock { state -> RunReport? in
                if state.report == nil { state.waiter = continuation }
                return state.report
            }.map { continuation.resume(returning: $0) }
        }
    }

    func say(_ line: String) throws {
        try toRelay.withLock { end in
            guard let number = end.number else { throw SystemError(errno: EPIPE, operation: "write", object: "a relay") }
            let blocked = SignalGuard() // a relay that is gone is an error here
            defer { blocked.restore() }
            try Transfer.writeAll(number, Array((line + "\n").utf8))
        }
    }

    /// The next line that the client gets; nil at the end.
    func hear() async throws -> String? {
        let result: Result<String?, any Error> = await GateFixture.onThread { [self] in
            Result { try lines.withLock { try $0.next() } }
        }
        return try result.get()
    }

    /// One request, one line.
    func ask(_ line: String) async throws -> String {
        try say(line)
        return try await hear() ?? "nothing"
    }

    func call(_ id: Int, _ name: String, _ arguments: String = "{}") async throws -> String {
        try await ask(EngineFixture.call(id, name, arguments))
    }

    func hangUp() { toRelay.withLock { $0 = nil } }
    func interrupt() { try? stop.signal() }
}

extension RelaySession.Client {
    /// A server's log would mix with its answers in a test.
    fileprivate var withoutLog: RelaySession.Client {
        var copy = self
        copy.log = RelayConversation.nowhere
        return copy
    }
}

extension RelayConversation {
    fileprivate static let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
}
