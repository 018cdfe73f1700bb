import Dispatch
import Glibc
import LibOSModel
import LinuxPrimitives
import Synchronization
import TestSupport
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

    @Test("who asks for it waits for the disk behind the commit, and nobody else does") func durability() async throws {
        let fixture = try StoreFixture()
        let steps = NotedSteps()
        let store = try await fixture.open(observer: { steps.note($0) })
        typealias Case = (asked: Durability, demanded: [Durability], waits: Bool)
        let cases: [Case] = [
            (.power, [], true), (.process, [], false), (.process, [.process], false), (.process, [.power], true),
            (.process, [.power, .process], true), (.power, [.process], true), (.process, [], false),
        ]
        for item in cases {
            for isWaiting in [false, true] {
                steps.forget()
                let body: @Sendable (any StoreTransaction) throws(LibOSError) -> Void = { (tx) throws(LibOSError) in
                    try tx.append(AuditEntry(actor: "a", action: "b"))
                    for durability in item.demanded { tx.demand(durability) }
                }
                if isWaiting {
                    try await onThread { try store.writeWaiting(item.asked, body) }
                } else {
                    try await store.write(item.asked, body)
                }
                #expect(steps.ends == (item.waits ? [.afterCommit, .onDisk] : [.afterCommit]), "\(item)")
            }
        }
        // What was undone has nothing to wait for.
        steps.forget()
        _ = await thrown {
            try await store.write(.power) { (tx) throws(LibOSError) in
                tx.demand(.power)
                throw LibOSError(.denied, "no")
            }
        }
        #expect(steps.ends == [])
        await store.close()
    }

    @Test("those that wait for the disk together are all answered, each behind its commit") func together() async throws {
        let fixture = try StoreFixture()
        let steps = NotedSteps()
        let store = try await fixture.open(observer: { steps.note($0) })
        let count = 200
        let seen = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await store.write(number % 3 == 0 ? .process : .power) { (tx) throws(LibOSError) in
                        try tx.append(AuditEntry(actor: "a", action: "b")).sequence
                    }
                }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(seen.count == count)
        #expect(steps.ends.filter { $0 == .onDisk }.count == (0..<count).filter { $0 % 3 != 0 }.count)
        let rounds = try #require(store.disk).rounds
        #expect(rounds > 0 && rounds <= count)
        #expect(try await store.verifyAudit().verified == Int64(count))
        await store.close()
    }

    @Test("waits that begin while the disk is busy are one") func oneWait() async throws {
        let directory = try ScratchDirectory("disk")
        defer { directory.remove() }
        let busy = DispatchSemaphore(value: 0)
        let sync = LogSync(
            log: try PathResolution.open(path: directory.path + "/log", flags: O_RDWR | O_CREAT, mode: 0o600),
            directory: try PathResolution.open(path: directory.path, flags: O_RDONLY | O_DIRECTORY), store: "s"
        ) { file in
            busy.wait()
            return fdatasync(file)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sync.wait().get() }
            while !sync.isBusy { await Task.yield() }
            for _ in 0..<20 { group.addTask { try await sync.wait().get() } }
            while sync.waiting < 20 { await Task.yield() }
            busy.signal()
            busy.signal()
            try await group.waitForAll()
        }
        #expect(sync.rounds == 2)
    }

    @Test("a disk that failed once is trusted no more") func failedDisk() async throws {
        let directory = try ScratchDirectory("disk")
        defer { directory.remove() }
        let disk = FailingDisk()
        let sync = LogSync(
            log: try PathResolution.open(path: directory.path + "/log", flags: O_RDWR | O_CREAT, mode: 0o600),
            directory: try PathResolution.open(path: directory.path, flags: O_RDONLY | O_DIRECTORY), store: "the store"
        ) { file in
            guard disk.fails.withLock({ $0 }) else { return fdatasync(file) }
            errno = EIO
            return -1
        }
        for round in 0..<3 {
            let error = await thrown { try await sync.wait().get() }
            #expect(error?.code == .store && error?.message.contains("the store") == true, "\(round)")
            disk.fails.withLock { $0 = false }
        }
        #expect(await thrown { try sync.now().get() }?.code == .store)
        #expect(sync.rounds == 0)
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

/// What an observed store went through.
private final class NotedSteps: Sendable {
    private let steps = Mutex<[StoreStep]>([])
    func note(_ step: StoreStep) { steps.withLock { $0.append(step) } }
    func forget() { steps.withLock { $0 = [] } }
    var ends: [StoreStep] { steps.withLock { $0.filter { $0 == .afterCommit || $0 == .onDisk } } }
}

private final class FailingDisk: Sendable {
    let fails = Mutex(true)
}

/// On a thread that may wait.
private func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
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
