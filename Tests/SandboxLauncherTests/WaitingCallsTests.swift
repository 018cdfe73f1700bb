import LinuxPrimitives
import Testing

@testable import SandboxLauncher

/// What the supervisor keeps for calls that wait, and that it keeps nothing for those that no longer do.
@Suite struct WaitingCallsTests {
    private func call(_ id: UInt64) -> SeccompNotification {
        SeccompNotification(id: id, pid: 1, number: 2, architecture: 0, instructionPointer: 0, arguments: [])
    }

    @Test func `a call that waits is looked at ever more seldom`() {
        var parked = ParkedCalls()
        var now: UInt64 = 1000
        var delays: [UInt64] = []
        for _ in 0..<7 {
            _ = parked.park(call(1), now: now)
            let due = parked.nextDue ?? 0
            #expect(parked.due(due - 1).isEmpty && parked.due(due).map(\.id) == [1])
            delays.append((due - now) / 1_000_000)
            now = due
        }
        #expect(delays == [5, 10, 20, 40, 80, 100, 100])
        parked.remove(1)
        for _ in 0..<3 { _ = parked.park(call(2), now: now, longest: 10_000_000) }
        #expect(parked.nextDue == now + 10_000_000 && parked.due(now).isEmpty)
        parked.hasten(2)
        #expect(parked.due(now).map(\.id) == [2])
    }

    @Test func `they are bounded, and one that is gone makes room`() {
        var parked = ParkedCalls()
        var taken = (0..<UInt64(ParkedCalls.limit)).map { parked.park(call($0), now: 0) }
        #expect(taken.allSatisfy { $0 })
        // The 1000th comes too late, the third waits already.
        taken = [parked.park(call(1000), now: 0), parked.park(call(3), now: 0)]
        #expect(taken == [false, true])
        parked.remove(3)
        taken = [parked.park(call(1000), now: 0)]
        #expect(taken == [true])
        #expect(parked.due(.max).map(\.id) == (0..<UInt64(ParkedCalls.limit)).filter { $0 != 3 } + [1000])
    }

    @Test func `a sample is fresh when it was begun after the call came`() {
        var sample = FreshSample()
        #expect(!sample.isWanted)
        sample.note()
        let atFirst = sample.isThere(for: 7)
        sample.note() // may have been under way
        let then = sample.isThere(for: 7)
        #expect(!atFirst && !then && sample.isWanted)
        sample.note()
        let last = sample.isThere(for: 7)
        #expect(last)
        sample.forget(7)
        #expect(!sample.isWanted)
    }

    @Test func `near the limit on what is written, and only there, a sample may be too old`() {
        var disk = DiskAccount(limit: 1 << 30, startedAt: 1000)
        #expect(!disk.mayBeFull(at: 1000 + 10_000_000) && !disk.isFull)
        #expect(disk.mayBeFull(at: 1000 + 100_000_000)) // 1.6 GB at the very most
        disk.note(written: 1 << 29, isHidden: false, at: 200_000_000)
        #expect(!disk.mayBeFull(at: 200_000_000 + 10_000_000) && disk.mayBeFull(at: 200_000_000 + 40_000_000))
        #expect(!disk.mayBeFull(at: 0)) // a sample that was taken later
        disk.note(written: 1 << 30, isHidden: false, at: 300_000_000)
        #expect(disk.isFull)
        disk.note(written: 0, isHidden: true, at: 300_000_000)
        #expect(disk.isFull)
        disk.note(written: 0, isHidden: false, at: 300_000_000)
        #expect(!disk.isFull && !disk.mayBeFull(at: 300_000_000) && disk.mayBeFull(at: .max))
    }

    @Test func `nobody takes samples for a call that is gone`() {
        var sample = FreshSample()
        let isThere = sample.isThere(for: 1)
        #expect(!isThere && sample.isWanted)
        sample.forget(1)
        #expect(!sample.isWanted)
    }
}
