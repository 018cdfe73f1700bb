import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

/// The guarded table: every status against every transition.
struct TransitionTests {
    static let now = HeldClock.noon
    static let wait = WaitState.message(MessageFilter())

    enum Step: CaseIterable {
        case admit, start, end, enter, wake, hold, release, finish, goOn
    }

    static let allowed: [Step: Set<ProcessStatus>] = [
        .admit: [.created], .start: [.runnable], .end: [.running], .enter: [.running, .runnable, .paused],
        .wake: [.waitingEvent, .waitingTool, .waitingHuman],
        .hold: Set(ProcessStatus.allCases).subtracting([.exited, .failed, .killed]), .release: [.paused],
        .finish: Set(ProcessStatus.allCases).subtracting([.exited, .failed, .killed]),
        .goOn: [.running, .runnable, .waitingEvent, .waitingHuman, .waitingTool, .paused],
    ]

    @Test("what may follow what", arguments: Step.allCases, ProcessStatus.allCases) func table(_ step: Step, _ status: ProcessStatus) {
        var process = AgentProcess(image: "i", status: status, generation: 7, createdAt: Self.now)
        let before = process
        var moved = true
        do {
            switch step {
            case .admit: try process.admit(at: Self.now)
            case .start: try process.startQuantum(at: Self.now)
            case .end: moved = process.endQuantum(at: Self.now)
            case .enter: try process.enter(Self.wait, at: Self.now)
            case .wake: moved = process.wake(seen: 7, at: Self.now)
            case .hold: try process.hold(.signal("r"), at: Self.now)
            case .release: try process.release(waitIsOver: true, at: Self.now)
            case .finish: try process.end(.killed, .signal(.cancel, reason: nil), at: Self.now)
            case .goOn: try process.continueQuantum(at: Self.now)
            }
        } catch {
            moved = false
            #expect(error.code == .process)
        }
        #expect(moved == Self.allowed[step]?.contains(status))
        if !moved { #expect(process == before) }
        let changesNothing = step == .goOn && [.running, .paused].contains(status)
        if moved, !changesNothing { #expect(process.generation == 8) }
        #expect(process.status.isWaiting == false || process.wait != nil || before.wait == nil && !moved)
        #expect(process.status.isTerminal == (process.outcome != nil) || before.status.isTerminal)
    }

    @Test("a late waker wakes nobody") func staleWake() throws {
        var process = AgentProcess(image: "i", status: .running, createdAt: Self.now)
        try process.enter(Self.wait, at: Self.now)
        let seen = process.generation
        let isAwake = process.wake(seen: seen, at: Self.now)
        #expect(isAwake)
        try process.startQuantum(at: Self.now)
        try process.enter(Self.wait, at: Self.now)
        let isAwakeAgain = process.wake(seen: seen, at: Self.now)
        #expect(!isAwakeAgain && process.status == .waitingEvent)
    }

    @Test("human requests add up, other waits do not") func joinedWaits() throws {
        let (a, b) = (HumanRequestID.new(), HumanRequestID.new())
        var process = AgentProcess(image: "i", status: .running, createdAt: Self.now)
        try process.enter(.human([a]), at: Self.now)
        try process.enter(.human([b]), at: Self.now)
        #expect(process.wait == .human([a, b]))
        let both = process
        #expect(throws: LibOSError.self) {
            var other = both
            try other.enter(.child(.new()), at: Self.now)
        }
    }

    @Test("a pause keeps the wait and resuming goes back to it") func pausedWait() throws {
        var process = AgentProcess(image: "i", status: .running, createdAt: Self.now)
        try process.enter(Self.wait, at: Self.now)
        try process.hold(.signal(nil), at: Self.now)
        #expect(process.status == .paused && process.wait == Self.wait && process.pause == .signal(nil))
        var over = process
        try process.release(waitIsOver: false, at: Self.now)
        #expect(process.status == .waitingEvent && process.wait == Self.wait && process.pause == nil)
        try over.release(waitIsOver: true, at: Self.now)
        #expect(over.status == .runnable && over.wait == nil)
    }

    @Test(
        "working directories",
        arguments: [
            ("", "."), (".", "."), ("a//b/", "a/b"), ("a/./b/../c", "a/c"), ("a\\b", "a/b"), ("ä/日本", "ä/日本"),
            ("a\\\u{301}b", "a/\u{301}b"), ("a/..", "."),
        ])
    func directories(_ path: String, _ clean: String) throws {
        #expect(try WorkingDirectory.clean(path) == clean)
    }

    @Test(
        "directories outside of the workspace",
        arguments: ["/a", "\\a", "C:\\x", "c:x", "..", "a/../..", "a\\..\\..", "a\u{0}b", "a\nb", "\\\u{301}a"])
    func refusedDirectories(_ path: String) {
        #expect(throws: LibOSError.self) { try WorkingDirectory.clean(path) }
    }

    @Test("a directory is seen from the current one") func relativeDirectories() throws {
        #expect(try WorkingDirectory.clean("../b", from: "a") == "b")
        #expect(try WorkingDirectory.clean("x", from: "a/b") == "a/b/x")
        #expect(throws: LibOSError.self) { try WorkingDirectory.clean("../../c", from: "a") }
        #expect(throws: LibOSError.self) { try WorkingDirectory.clean("/c", from: "a") }
    }

    @Test("a child's budget fits into what is left") func budgets() throws {
        var parent = AgentProcess(image: "i", createdAt: Self.now)
        #expect(try ChildBudget.of(nil, under: parent)[.toolCalls] == 128)
        #expect(try ChildBudget.of(nil, under: parent)[.childProcesses] == 8)
        #expect(try ChildBudget.of(nil, under: parent)[.materializedTokens] == 65_536)
        parent.usage[.toolCalls] = 250
        #expect(try ChildBudget.of(nil, under: parent)[.toolCalls] == 6)
        #expect(try ChildBudget.of(ResourceBudget([.toolCalls: 6]), under: parent)[.toolCalls] == 6)
        #expect(throws: LibOSError.self) { try ChildBudget.of(ResourceBudget([.toolCalls: 7]), under: parent) }
        #expect(throws: LibOSError.self) { try ChildBudget.of(ResourceBudget([.materializedTokens: 65_537]), under: parent) }
        // An item without a bound of its own is bounded by the ancestors at each charge.
        #expect(try ChildBudget.of(ResourceBudget(), under: parent)[.toolCalls] == nil)
        parent.usage[.toolCalls] = 256
        #expect(throws: LibOSError.self) { try ChildBudget.of(nil, under: parent) }
        var lone = parent
        lone.budget = ResourceBudget([.toolCalls: 1])
        lone.usage = ResourceUsage()
        #expect(try ChildBudget.of(nil, under: lone)[.toolCalls] == 1)
    }
}
