internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import SQLiteRuntimeStore
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import ToolBroker

/// Which calls' intents may be lost with the power: those of pure reads, and no others.
struct EffectFreeCallTests {
    private func prepared(_ fixture: BrokerFixture, _ tool: String, _ arguments: String) async throws -> PreparedCall {
        let preparation = try await fixture.broker.prepare(
            ToolCallRequest(process: fixture.process, tool: tool, arguments: try json(arguments)))
        guard case .ready(let call) = preparation else { throw LibOSError(.process, "the call is not ready: \(preparation)") }
        return call
    }

    private static let command = """
        manifest: 1
        name: list
        description: Lists.
        protocol: command
        run: [/bin/ls, "{path}"]
        policy: workspace
        needs: ["filesystem:workspace:{path} read"]
        input: {type: object, additionalProperties: false, required: [path], properties: {path: {type: string}}}
        """

    @Test("a file that our own worker is handed for reading has no effect; each difference from that is one") func differences()
        async throws
    {
        try await BrokerFixture.with(tools: [Self.command]) { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read, .write])
            try await fixture.grant("filesystem:workspace:counted", [.read], uses: 1)
            let counted = try await prepared(fixture, "read_text_file", #"{"path": "counted"}"#)
            #expect(counted.reservation != nil && !counted.isEffectFree)
            let read = try await prepared(fixture, "read_text_file", #"{"path": "a"}"#)
            #expect(read.isEffectFree)
            let other = try #require(fixture.broker.registry.tool(named: "list")).action
            let differences: [(String, @Sendable (inout PreparedCall) -> Void)] = [
                ("not ours", { $0.tool.action = other }),
                ("a command", { $0.plan = .command(["glovebox-worker"]) }),
                ("a libOS call", { $0.plan = .syscall(Syscall(name: "clock.now", arguments: .object([]))) }),
                ("no descriptor: names instead", { $0.plan = .channel(["glovebox-worker"], []) }),
                (
                    "a descriptor to write to",
                    { call in
                        guard case .channel(let words, var descriptors) = call.plan else { return }
                        descriptors.append(.init(name: "out", place: descriptors[0].place, mode: .create))
                        call.plan = .channel(words, descriptors)
                    }
                ),
                (
                    "a descriptor that replaces",
                    { call in
                        guard case .channel(let words, var descriptors) = call.plan else { return }
                        descriptors[0].mode = .replace
                        call.plan = .channel(words, descriptors)
                    }
                ),
                ("calls into the runtime", { $0.tool.syscalls = ["human.ask"] }),
                ("files of its own", { $0.tool.files = ["/opt/tool"] }),
                ("no decision", { $0.decision = nil }),
                ("a decision that asks", { $0.decision?.effect = .ask }),
                ("a counted use", { $0.decision?.oneShots = [.new()] }),
                ("a use that was taken", { $0.reservation = counted.reservation }),
                ("no right", { $0.decision?.rights = [] }),
                ("a right to write", { $0.decision?.rights[0].right = .write }),
                ("a right to run", { $0.decision?.rights[0].right = .execute }),
                (
                    "a network",
                    { call in
                        guard var right = call.decision?.rights.first, let place = try? Resource.parse("network:tcp:example.org:443") else {
                            return
                        }
                        right.resource = place
                        call.decision?.rights.append(right)
                    }
                ),
                (
                    "an object",
                    { call in
                        guard var right = call.decision?.rights.first, let place = try? Resource.parse("object:*") else { return }
                        right.resource = place
                        call.decision?.rights.append(right)
                    }
                ),
            ]
            for (name, change) in differences {
                var changed = read
                change(&changed)
                #expect(!changed.isEffectFree, "\(name)")
            }
            #expect(try await !prepared(fixture, "write_text_file", #"{"path": "b", "text": "x"}"#).isEffectFree)
            #expect(try await !prepared(fixture, "list", #"{"path": "."}"#).isEffectFree)
            #expect(try await !prepared(fixture, "read_directory", #"{"path": "."}"#).isEffectFree)
        }
    }

    /// The intent is committed before the call goes on in every case; which of them the disk is waited for is what differs.
    @Test(
        "the disk has the intent before a tool starts, unless the tool can only read",
        arguments: [
            ("read_text_file", #"{"path": "a"}"#, false), ("write_text_file", #"{"path": "b", "text": "x"}"#, true),
            ("list", #"{"path": "."}"#, true), ("read_text_file", #"{"path": "counted"}"#, true),
            ("read_text_file", #"{"path": "refused"}"#, true),
        ])
    func waits(_ tool: String, _ arguments: String, _ isOnDisk: Bool) async throws {
        try await BrokerFixture.with(tools: [Self.command]) { fixture in
            let scratch = try ScratchDirectory("effect")
            defer { scratch.remove() }
            let steps = Steps()
            let store = try await SQLiteRuntimeStore.open(path: scratch.path + "/store.sqlite", observer: { steps.note($0) })
            let broker = fixture.broker(over: store)
            let process = try await store.write { transaction throws(LibOSError) in
                let process = AgentProcess(
                    image: "test", status: .running,
                    toolTable: Dictionary(uniqueKeysWithValues: broker.registry.all.map { ($0.name, $0.spec.id) }),
                    createdAt: transaction.now)
                try transaction.insert(process)
                return process.id
            }
            try await broker.persistTools()
            let (all, counted, refused) = (
                CapabilityTerms(resource: try Resource.parse("filesystem:workspace:*"), rights: [.read, .write]),
                CapabilityTerms(resource: try Resource.parse("filesystem:workspace:counted"), rights: [.read], uses: 1),
                CapabilityTerms(resource: try Resource.parse("filesystem:workspace:refused"), rights: [.read], effect: .deny)
            )
            try await store.write { transaction throws(LibOSError) in
                for terms in [all, counted, refused] {
                    _ = try broker.capabilities.grant(terms, to: process, by: .human("owner"), in: transaction)
                }
            }
            steps.forget()
            _ = try await broker.prepare(ToolCallRequest(process: process, tool: tool, arguments: try json(arguments)))
            #expect(steps.ends == (isOnDisk ? [.afterCommit, .onDisk] : [.afterCommit]))
            await store.close()
        }
    }

    private final class Steps: Sendable {
        private let steps = Mutex<[StoreStep]>([])
        func note(_ step: StoreStep) { steps.withLock { $0.append(step) } }
        func forget() { steps.withLock { $0 = [] } }
        /// How its transactions ended.
        var ends: [StoreStep] { steps.withLock { $0.filter { $0 == .afterCommit || $0 == .onDisk } } }
    }
}
