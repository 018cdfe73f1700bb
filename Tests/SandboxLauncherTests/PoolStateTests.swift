import Testing

@testable import SandboxLauncher

@Suite("What a pool's workers do next")
struct PoolStateTests {
    private func state(released: Int, lastEnd: UInt64) -> PoolState {
        var state = PoolState()
        state.released = (0..<released).map { _ in SandboxLeases(identity: nil, cgroup: nil) }
        state.lastEnd = lastEnd
        return state
    }

    @Test("a call that has just ended has the processors to itself for a moment")
    func breath() {
        var state = state(released: 1, lastEnd: 5_000_000)
        guard case .later(let time) = state.next(SandboxPoolSettings(), 5_000_001) else {
            Issue.record("it did not wait")
            return
        }
        #expect(time == 6_000_000)
        guard case .release = state.next(SandboxPoolSettings(), time) else {
            Issue.record("it waits longer than it said")
            return
        }
    }

    @Test("what has piled up is given back at once")
    func pile() {
        var state = state(released: 17, lastEnd: 5_000_000)
        guard case .release = state.next(SandboxPoolSettings(), 5_000_001) else {
            Issue.record("seventeen calls' leases wait")
            return
        }
    }

    @Test("with nothing to do there is nothing to wait for")
    func nothing() {
        var state = state(released: 0, lastEnd: 5_000_000)
        guard case .nothing = state.next(SandboxPoolSettings(), 5_000_001) else {
            Issue.record("there is nothing to be done")
            return
        }
    }
}
