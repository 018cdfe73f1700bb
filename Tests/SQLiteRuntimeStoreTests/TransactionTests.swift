import LibOSModel
import Synchronization
import Testing

@testable import SQLiteRuntimeStore

struct TransactionTests {
    @Test("what a body throws undoes everything, the chain too") func rollback() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let first = try await store.write { (tx) throws(LibOSError) in try tx.append(AuditEntry(actor: "a", action: "kept")) }
        let process = Sample.bareProcess()
        let error = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                try tx.insert(process)
                try tx.append(AuditEntry(actor: "a", action: "lost"))
                try tx.append(Sample.event())
                throw LibOSError(.denied, "no")
            }
        }
        #expect(error == LibOSError(.denied, "no"))
        let second = try await store.write { (tx) throws(LibOSError) in
            #expect(try tx.process(process.id) == nil)
            return try tx.append(AuditEntry(actor: "a", action: "next"))
        }
        #expect(second.sequence == 2 && second.previousHash == first.hash)
        #expect(try await store.verifyAudit().verified == 2)
    }

    @Test("a statement that fails can be survived inside the body") func caught() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let process = Sample.bareProcess()
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(process)
            do throws(LibOSError) { try tx.insert(process) } catch { #expect(error.code == .validation) }
            try tx.append(AuditEntry(actor: "a", action: "b"))
        }
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.process(process.id) } == process)
    }

    @Test("one instant for a transaction, never one before another's") func instants() async throws {
        let fixture = try StoreFixture()
        let clock = HeldClock(Timestamp(microseconds: 1000))
        let store = try await fixture.open(clock: clock)
        try await store.write { (tx) throws(LibOSError) in
            let before = tx.now
            clock.set(Timestamp(microseconds: 2000))
            #expect(tx.now == before && before.microseconds == 1000)
            #expect(try tx.append(AuditEntry(actor: "a", action: "b")).timestamp == before)
        }
        #expect(try await store.read { (tx) throws(LibOSError) in tx.now }.microseconds == 2000)
        clock.set(Timestamp(microseconds: 5))
        try await store.write { (tx) throws(LibOSError) in
            #expect(tx.now.microseconds == 2000)
            try tx.append(AuditEntry(actor: "a", action: "b"))
        }
        await store.close()
        let again = try await fixture.open(clock: clock)
        #expect(try await again.read { (tx) throws(LibOSError) in tx.now }.microseconds == 2000)
        #expect(try await again.verifyAudit().isWhole)
    }

    @Test("a cancelled task does not cancel what it hands over") func cancellation() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let process = Sample.bareProcess()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await store.write { (tx) throws(LibOSError) in try tx.insert(process) }
            return try await store.read { (tx) throws(LibOSError) in try tx.process(process.id) }
        }
        #expect(try await task.value == process)
    }

    @Test("many writers at once: every one in turn, one chain") func concurrent() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let inside = Occupancy()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await store.write { (tx) throws(LibOSError) in
                        #expect(inside.enter() == 1)
                        try tx.append(AuditEntry(actor: "a", action: "b"))
                        inside.leave()
                    }
                }
                group.addTask {
                    _ = try await store.read { (tx) throws(LibOSError) in
                        // One snapshot: the end that is recorded and the records agree.
                        let last = try tx.lastAudit()?.sequence ?? 0
                        #expect(try (tx as? SQLiteTransaction)?.auditHead().count == last)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.verifyAudit().verified == 50)
    }

    @Test("a commit waits for the disk when it has to survive a loss of power, and only then") func durability() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        for (durability, expected) in [(Durability.power, 2), (.process, 1), (.process, 1), (.power, 2), (.power, 2)]
            as [(Durability, Int64)]
        {
            let mode = try await store.write(durability) { (tx) throws(LibOSError) in
                try (tx as? SQLiteTransaction)?.connection.number("PRAGMA synchronous")
            }
            #expect(mode == expected)
        }
    }

    @Test("a closed store says so, and closing waits for what was handed over") func closing() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let process = Sample.bareProcess()
        async let written: Void = store.write { (tx) throws(LibOSError) in try tx.insert(process) }
        try await written
        await store.close()
        await store.close()
        #expect(
            await thrown { try await store.read { (tx) throws(LibOSError) in try tx.images() } }?.message.hasSuffix("is closed") == true)
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.images() } }?.code == .store)
        let again = try await fixture.open()
        #expect(try await again.read { (tx) throws(LibOSError) in try tx.process(process.id) } == process)
    }
}

/// How many are inside.
private final class Occupancy: Sendable {
    private let count = Mutex(0)

    func enter() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}
