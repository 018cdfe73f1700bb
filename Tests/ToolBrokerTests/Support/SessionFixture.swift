internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import Testing

@testable internal import ToolBroker

/// A store that tells of its commits, and of changes that a test makes beside it.
struct SignallingStore: RuntimeStore {
    private final class Listeners: Sendable {
        let list = Mutex<[AsyncStream<Void>.Continuation]>([])
    }
    private let base: any RuntimeStore
    private let listeners = Listeners()

    init(_ base: any RuntimeStore) { self.base = base }

    func signal() { for one in listeners.list.withLock({ $0 }) { one.yield() } }

    func listen() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        listeners.list.withLock { $0.append(continuation) }
        return stream
    }

    func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let value = try await base.write(durability, body)
        signal()
        return value
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value { try await base.read(body) }

    func close() async { await base.close() }
}

/// A tool whose worker stays: a Perl loop that counts its calls, in real sandboxes.
final class SessionFixture: Sendable {
    static let tool = "kept"

    let base: BrokerFixture
    let broker: ToolBroker
    let store: SignallingStore
    let policy: Mutex<ResolvedPolicy>

    /// - Parameters:
    ///   - script: what each call does; `$count` is the number of calls that this worker has seen, `$mode` the call's argument.
    ///   - terms: of the policy; nil: it names no session.
    @discardableResult
    static func with<Value>(
        _ script: String = "result($count);", terms: SessionTerms? = SessionTerms(tools: [tool]), needs: [String] = [],
        limits: String = "{wall: 60s}", manifest: String? = nil, hearsCommits: Bool = true, label: String = #function,
        isolation: isolated (any Actor)? = #isolation, _ body: (SessionFixture) async throws -> Value
    ) async throws -> Value {
        try await BrokerFixture.with(label, tools: [manifest ?? KeptTool.manifest(script, needs: needs, limits: limits)]) { base in
            let fixture = try SessionFixture(base, terms, hearsCommits: hearsCommits)
            let value: Value
            do {
                value = try await body(fixture)
            } catch {
                await fixture.broker.endSessions()
                throw error
            }
            await fixture.broker.endSessions()
            return value
        }
    }

    init(_ base: BrokerFixture, _ terms: SessionTerms?, hearsCommits: Bool = true) throws {
        self.base = base
        let store = SignallingStore(base.store)
        self.store = store
        var policy = try TestPolicies.shipped("workspace")
        policy.sessions = terms
        self.policy = Mutex(policy)
        let box = PolicyBox()
        var commits: (@Sendable () -> AsyncStream<Void>)?
        if hearsCommits { commits = { store.listen() } }
        let load: @Sendable (String) throws(PolicyError) -> ResolvedPolicy = { name throws(PolicyError) in
            guard let policy = box.current else { throw PolicyError(file: name, message: "no policy", mend: "") }
            return policy
        }
        broker = ToolBroker(
            registry: base.broker.registry, store: store, kernel: base.kernel, capabilities: base.capabilities,
            supervisor: base.sandbox.supervisor, files: base.broker.files, worker: base.broker.worker,
            commits: commits, loadPolicy: load)
        box.set { [weak self] in self?.policy.withLock { $0 } }
    }

    /// The policy of a fixture that is being made.
    private final class PolicyBox: Sendable {
        private let read = Mutex<(@Sendable () -> ResolvedPolicy?)?>(nil)
        var current: ResolvedPolicy? { read.withLock { $0 }?() }
        func set(_ body: @escaping @Sendable () -> ResolvedPolicy?) { read.withLock { $0 = body } }
    }

    // MARK: - Calls

    func call(_ mode: String = "", as process: ProcessID? = nil) async throws -> ToolCallResult {
        switch try await completion(mode, as: process) {
        case .done(let result): return result
        case .waiting(let wait): throw LibOSError(.process, "the call waits: \(wait)")
        }
    }

    func completion(
        _ mode: String = "", as process: ProcessID? = nil, resumed: HumanRequestID? = nil
    ) async throws -> Completion<ToolCallResult> {
        try await broker.call(
            ToolCallRequest(
                process: process ?? base.process, tool: Self.tool, arguments: .object(["mode": .string(mode)]), resumed: resumed))
    }

    /// What the worker of a call has counted.
    func count(_ mode: String = "", as process: ProcessID? = nil) async throws -> Int64? {
        let result = try await call(mode, as: process)
        guard case .int(let count) = result.payload else {
            Issue.record("\(result)")
            return nil
        }
        return count
    }

    /// Returns when no session is left.
    func settled() async { await broker.sessions?.settled() }

    // MARK: - Changes beside the calls

    func change(_ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Void) async throws {
        try await store.write(body)
    }

    func setStatus(_ status: ProcessStatus) async throws {
        let process = base.process
        try await change { transaction throws(LibOSError) in
            var made = try transaction.existingProcess(process)
            made.status = status
            try transaction.update(made)
        }
    }

    func anotherProcess() async throws -> ProcessID {
        let table = Dictionary(uniqueKeysWithValues: broker.registry.all.map { ($0.name, $0.spec.id) })
        let made = AgentProcess(image: "test", status: .running, toolTable: table, createdAt: Timestamp(microseconds: 0))
        try await change { transaction throws(LibOSError) in try transaction.insert(made) }
        return made.id
    }

    // MARK: - Records

    /// Reasons of the sessions that are over, in their order.
    func ends() async throws -> [String] {
        try await base.audit("tool.session_end").compactMap { entry in
            if case .string(let word)? = entry.decision["reason"] { word } else { nil }
        }
    }

    /// Session and number of each call that has its outcome, the oldest first; nil for those with a sandbox of their own.
    func places() async throws -> [JSONValue?] {
        try await base.audit("tool.call").map { $0.decision["session"] }
    }
}

enum KeptTool {
    static func manifest(
        _ script: String, name: String = SessionFixture.tool, needs: [String] = [], syscalls: [String] = LibOSCall.names,
        limits: String = "{wall: 60s}", more: String = "session: true"
    ) -> String {
        let code = JSONValue.string(prelude + script + "\n}\n").canonicalText.replacing("{", with: "{{").replacing("}", with: "}}")
        return """
            manifest: 1
            name: \(name)
            description: a test
            protocol: channel
            \(more)
            run: ["/usr/bin/perl", "-e", \(code)]
            policy: kept
            limits: \(limits)
            syscalls: \(JSONValue.strings(syscalls).canonicalText)
            needs: \(JSONValue.strings(needs).canonicalText)
            input: {type: object, additionalProperties: false, properties: {mode: {type: string, default: ""}}}
            """
    }

    private static let prelude = #"""
        use strict; use warnings; use IO::Handle; use Time::HiRes;
        open(my $c, "+<&=", 3) or die; binmode($c); STDOUT->autoflush(1); STDERR->autoflush(1);
        my ($id, $mode, $n, $count) = ('', '', 0, 0);
        sub say_ { my $text = $_[0] . "\n"; while (length $text) { my $k = syswrite($c, $text); die unless $k; $text = substr($text, $k) } }
        sub ask { $n++; say_('{"jsonrpc":"2.0","id":' . $n . ',"method":"libos.' . $_[0] . '","params":' . $_[1] . '}'); my $a = <$c>; chomp $a; return $a }
        sub result { say_('{"jsonrpc":"2.0","id":"' . $id . '","result":{"data":' . $_[0] . '}}') }
        while (my $line = <$c>) {
            ($id) = $line =~ /"id":"([0-9a-f]+)"/; ($mode) = $line =~ /"mode":"([a-z]*)"/; $count++;

        """#
}
