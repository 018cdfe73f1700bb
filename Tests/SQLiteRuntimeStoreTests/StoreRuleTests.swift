import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

/// What the store refuses, and what it keeps whole.
struct StoreRuleTests {
    let store: SQLiteRuntimeStore

    init() throws { store = try SQLiteRuntimeStore.inMemory() }

    @Test("what is not there is named") func missing() async throws {
        let store = store
        func code(_ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Void) async -> LibOSError.Code? {
            await thrown { try await store.write(.process, body) }?.code
        }
        #expect(await code { (tx) throws(LibOSError) in try tx.update(Sample.bareProcess()) } == .notFound)
        #expect(await code { (tx) throws(LibOSError) in try tx.update(Sample.bareToolCall()) } == .notFound)
        #expect(await code { (tx) throws(LibOSError) in try tx.update(Sample.bareModelCall()) } == .notFound)
        #expect(await code { (tx) throws(LibOSError) in try tx.update(Sample.object()) } == .notFound)
        #expect(await code { (tx) throws(LibOSError) in try tx.update(Sample.message()) } == .notFound)
        try await store.write { (tx) throws(LibOSError) in
            #expect(try tx.process(.new()) == nil)
            #expect(try tx.pendingAction(of: .new()) == nil)
            #expect(try tx.audit(AuditID.new()) == nil)
            #expect(try tx.lastAudit() == nil)
            try tx.deletePendingAction(of: .new())
        }
    }

    @Test("an end is final, for processes and for calls", arguments: [ProcessStatus.exited, .failed, .killed])
    func finality(_ end: ProcessStatus) async throws {
        var process = Sample.bareProcess()
        process.status = end
        var tool = Sample.bareToolCall()
        tool.state = .unknown
        var model = Sample.bareModelCall()
        model.status = .ok
        try await store.write { [process, tool, model] (tx) throws(LibOSError) in
            try tx.insert(process)
            try tx.insert(tool)
            try tx.insert(model)
            var named = process
            named.statusMessage = "what is not the status may change"
            try tx.update(named)
        }
        process.status = .runnable
        tool.state = .completed
        model.status = .error
        let (woken, called, asked) = (process, tool, model)
        let error = await thrown { try await store.write { (tx) throws(LibOSError) in try tx.update(woken) } }
        #expect(error?.code == .process && error?.message == "process has ended: its status is final")
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.update(called) } }?.code == .store)
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.update(asked) } }?.code == .store)
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.process(woken.id)?.status } == end)
    }

    @Test("values that would not read back are refused") func unwritable() async throws {
        var nested = JSONValue.null
        for _ in 0..<128 { nested = .array([nested]) }
        let deepest = AgentObject(namespace: "n", type: .plan, payload: nested, createdBy: "p", createdAt: Sample.noon)
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(deepest)
            #expect(try tx.object(deepest.id) == deepest)
        }
        let many = (0..<20).map { JSONMember("k\($0 % 19)", .null) }
        let bad: [JSONValue] = [
            .double(.nan), .array([.double(.infinity)]), .object([JSONMember("a", .null), JSONMember("a", .null)]), .object(many),
            .array([nested]),
        ]
        for value in bad {
            let object = AgentObject(namespace: "n", type: .plan, payload: value, createdBy: "p", createdAt: Sample.noon)
            #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.insert(object) } }?.code == .validation)
        }
        var record = try Sample.bareCapability()
        record.resource = Resource(kind: .object, parts: ["a*b"], extent: .exact)
        let unreadable = record
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.insert(unreadable) } }?.code == .validation)
    }

    @Test("a payload of 4 MiB comes back whole") func large() async throws {
        let text = String(repeating: "\u{0}\"é🧪\\", count: 4 << 20 / 10)
        let object = AgentObject(
            namespace: "n", type: .artifact, payload: .object([JSONMember("text", .string(text))]), createdBy: "p", createdAt: Sample.noon)
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(object)
            try tx.append(AuditEntry(actor: "a", action: "b", decision: object.payload))
        }
        let read = try await store.read { (tx) throws(LibOSError) in (try tx.object(object.id), try tx.lastAudit()?.entry.decision) }
        #expect(read.0 == object)
        #expect(read.1 == object.payload)
        #expect(try await store.verifyAudit().isWhole)
    }
}
