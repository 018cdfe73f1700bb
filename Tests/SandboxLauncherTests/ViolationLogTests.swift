import Synchronization
import Testing

@testable import SandboxLauncher

struct ViolationLogTests {
    @Test("what is used up comes back in time, and never more than there was") func allowance() {
        var allowance = Allowance(most: 3, oneEvery: 10)
        func taken(_ time: UInt64) -> Int { (0..<10).count { _ in allowance.take(at: time) } }
        #expect(taken(100) == 3)
        #expect(taken(109) == 0)
        #expect(taken(110) == 1)
        #expect(taken(125) == 1) // and the half of one is not lost
        #expect(taken(130) == 1)
        #expect(taken(50) == 0)
        #expect(taken(.max) == 3)
    }

    @Test("a flood of openings is not looked at without end, takes nothing from refusals, and passes") func flood() {
        var log = ViolationLog()
        var looks = 0
        while log.wantsLook(at: 1), looks < 1_000_000 { looks += 1 }
        #expect(looks == 16_384)
        let others = [log.wantsRefusal(at: 1), log.wantsFinding(isStray: true, at: 1), log.wantsLook(at: 1_000_000_001)]
        #expect(others == [true, true, true])
        while log.wantsFinding(isStray: true, at: 1) {}
        let isSecretSeen = log.wantsFinding(isStray: false, at: 1)
        #expect(isSecretSeen)
        var refusals = 0
        while log.wantsRefusal(at: 1), refusals < 1_000_000 { refusals += 1 }
        #expect(refusals == 4095)
        let isRefilled = log.wantsRefusal(at: 1_000_000_001)
        #expect(isRefilled)
    }

    @Test("that something is not looked at is told once of each layer, to whoever observes") func unseen() {
        let told = Mutex(0)
        var log = ViolationLog { _ in told.withLock { $0 += 1 } }
        let begins = ["watch", "watch", "seccomp"].map { log.beginsUnseen($0) }
        #expect(begins == [true, false, true])
        var unobserved = ViolationLog()
        let begun = unobserved.beginsUnseen("watch")
        #expect(!begun)
        log.record(
            Violation(layer: "l", syscall: "s", arguments: "", pid: 1, program: "p", answer: "EPERM", reason: "r", allowedBy: nil))
        #expect(told.withLock { $0 } == 1)
    }
}
