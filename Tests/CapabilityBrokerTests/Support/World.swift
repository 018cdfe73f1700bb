import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import Synchronization

/// A clock that stands still until a test moves it.
final class TestClock: RuntimeClock {
    private let instant = Mutex(Timestamp(microseconds: 1_795_000_000_000_000))

    func now() -> Timestamp { instant.withLock { $0 } }
    func advance(seconds: Double) { instant.withLock { $0 = $0.adding(seconds: seconds) } }
}

/// A store in memory with some living processes, and a broker for it.
struct World {
    let clock = TestClock()
    let store: SQLiteRuntimeStore
    let broker = CapabilityBroker()
    let parent = ProcessID.new()
    let child = ProcessID.new()
    let stranger = ProcessID.new()

    static let owner = CapabilityActor.human("owner")
    static let runtime = CapabilityActor.runtime("test")

    init() async throws {
        store = try SQLiteRuntimeStore.inMemory(clock: clock)
        let (ids, now) = ([parent, child, stranger], clock.now())
        try await store.write { (transaction) throws(LibOSError) in
            for id in ids { try transaction.insert(AgentProcess(id: id, image: "base", status: .runnable, createdAt: now)) }
        }
    }

    var now: Timestamp { clock.now() }
    func later(_ seconds: Double) -> Timestamp { now.adding(seconds: seconds) }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, CapabilityBroker) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let broker = broker
        return try await store.write { (transaction) throws(LibOSError) in try body(transaction, broker) }
    }

    @discardableResult
    func grant(_ text: String, to subject: ProcessID? = nil, _ change: (inout CapabilityTerms) -> Void = { _ in }) async throws
        -> CapabilityRecord
    {
        var terms = try CapabilityTerms(text)
        change(&terms)
        let (given, subject) = (terms, subject ?? parent)
        return try await write { (transaction, broker) throws(LibOSError) in
            try broker.grant(given, to: subject, by: Self.owner, in: transaction)
        }
    }

    func decide(
        _ needs: String..., by subject: ProcessID? = nil, context: ActionContext = ActionContext()
    ) async throws -> AuthorizationDecision {
        let request = AuthorizationRequest(subject: subject ?? parent, needs: try needs.map(NeededRight.init(_:)), context: context)
        return try await write { (transaction, broker) throws(LibOSError) in try broker.authorize(request, in: transaction) }
    }

    func effect(_ need: String, by subject: ProcessID? = nil, context: ActionContext = ActionContext()) async throws -> Effect {
        try await decide(need, by: subject, context: context).effect
    }

    func record(_ id: CapabilityID) async throws -> CapabilityRecord? {
        try await store.read { (store) throws(LibOSError) in try store.capability(id) }
    }

    func audit(_ action: String) async throws -> [AuditRecord] {
        try await store.read { (store) throws(LibOSError) in try store.audit(AuditQuery(action: action)) }
    }

    func events(for subject: ProcessID) async throws -> [RuntimeEvent] {
        try await store.read { (store) throws(LibOSError) in try store.events(for: subject.text, after: nil, limit: 1000) }
    }

    /// What the change throws; nil when it does not.
    func refusal<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, CapabilityBroker) throws(LibOSError) -> Value
    ) async -> LibOSError? {
        do {
            _ = try await write(body)
            return nil
        } catch {
            return error
        }
    }
}

extension NeededRight {
    /// `filesystem:workspace:src read,write`
    init(_ text: String) throws {
        let (resource, rights) = try parts(text)
        self.init(resource: resource, rights: rights)
    }
}

extension CapabilityTerms {
    /// `deny filesystem:workspace:.env read,write`
    init(_ text: String) throws {
        let space = text.firstIndex(of: " ") ?? text.endIndex
        let (resource, rights) = try parts(String(text[space...].dropFirst()))
        self.init(resource: resource, rights: rights, effect: try present(Effect(rawValue: String(text[..<space]))))
    }
}

struct Unreadable: Error {}

func parts(_ text: String) throws -> (Resource, Set<CapabilityRight>) {
    guard let space = text.lastIndex(of: " ") else { throw Unreadable() }
    let names = text[text.index(after: space)...].split(separator: ",")
    return (try Resource.parse(String(text[..<space])), Set(try names.map { try present(CapabilityRight(rawValue: String($0))) }))
}

func present<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Unreadable() }
    return value
}

/// The same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func pick<Item>(_ items: [Item]) -> Item { items[Int.random(in: items.indices, using: &self)] }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
