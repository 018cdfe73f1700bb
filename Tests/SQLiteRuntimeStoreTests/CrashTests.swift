import LibOSModel
import SandboxTestSupport
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

/// The program is killed before and after each commit and between any two statements; what it leaves is opened and looked at.
struct CrashTests {
    private static let probe = Products.directory + "/store-crash-probe"

    private static func run(_ path: String, point: Int, cycles: Int) throws -> (code: Int32, lines: [String]) {
        let ended = try BareProcess.run([probe, "run", path, "\(point)", "\(cycles)"])
        return (ended.code, ended.output.split(separator: "\n").map(String.init))
    }

    /// Two lives of the script, each point of them, in four lanes so that they run beside one another.
    @Test("a crash at any point leaves a valid store", .timeLimit(.minutes(20)), arguments: 0..<4) func everyPoint(_ lane: Int) async throws
    {
        let fixture = try StoreFixture()
        let whole = try Self.run(fixture.path, point: 0, cycles: 2)
        #expect(whole.code == 0, "\(whole.lines)")
        let points = try #require(whole.lines.last?.split(separator: " ").last.flatMap { Int($0) })
        #expect(points >= 200)
        try await Self.check(fixture, acknowledged: whole.lines, crashed: false)
        for point in stride(from: 1 + lane, through: points, by: 4) {
            let fixture = try StoreFixture()
            let ended = try Self.run(fixture.path, point: point, cycles: 2)
            #expect(ended.code == 128 + 9, "point \(point): \(ended.lines)")
            try await Self.check(fixture, acknowledged: ended.lines, crashed: true)
        }
    }

    /// A crash right after a commit that leaves much open, then one at each point of the recovery, then the recovery to its end.
    @Test(
        "a crash in the recovery is recovered from", .timeLimit(.minutes(20)),
        arguments: [("tx-0-3", "tool.call"), ("tx-0-9", "llm.action_failed"), ("tx-0-12", "llm.pending_action_resume_interrupted")])
    func recovery(_ step: String, _ expected: String) async throws {
        let model = try StoreFixture()
        let whole = try Self.run(model.path, point: 0, cycles: 1)
        let line = try #require(whole.lines.first { $0.hasPrefix("committed \(step) ") })
        let first = try #require(line.split(separator: " ").last.flatMap { Int($0) }) + 1
        var point = 1
        while true {
            let fixture = try StoreFixture()
            let before = try Self.run(fixture.path, point: first, cycles: 1)
            #expect(before.code == 137)
            let during = try Self.run(fixture.path, point: point, cycles: 0)
            try await Self.check(fixture, acknowledged: before.lines, crashed: true)
            let store = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
            #expect(
                try await store.read { (tx) throws(LibOSError) in try tx.audit(AuditQuery(action: expected)).last?.entry.actor }
                    == "runtime")
            await store.close()
            if during.code == 0 { break }
            #expect(during.code == 137)
            point += 1
        }
        #expect(point > 8)
    }

    /// Everything that must hold, whatever the point was.
    private static func check(_ fixture: StoreFixture, acknowledged lines: [String], crashed: Bool) async throws {
        let committed = Set(
            lines.filter { $0.hasPrefix("committed ") }.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
        let store = try await fixture.open()
        let found = try await store.verifyAudit()
        #expect(found.isWhole, "\(String(describing: found.fault))")
        try await store.read { (tx) throws(LibOSError) in
            let audit = try tx.audit(AuditQuery(limit: .max))
            let begun = Set(audit.filter { $0.entry.action == "script.begin" }.compactMap(\.entry.correlation))
            let ended = Set(audit.filter { $0.entry.action == "script.end" }.compactMap(\.entry.correlation))
            #expect(begun == ended)
            #expect(committed.isSubset(of: begun))
            #expect(begun.count - committed.count <= (crashed ? 1 : 0))
            for name in begun { #expect(try tx.recentEvents(for: name, limit: 9).count == 1) }
            try checkCalls(tx, audit)
            try checkProcesses(tx, audit)
            let actions = try tx.pendingActions()
            #expect(actions.allSatisfy { $0.state == .pending })
        }
        await store.close()
    }

    private static func checkCalls(_ tx: any StoreReading, _ audit: [AuditRecord]) throws(LibOSError) {
        for call in try tx.toolCalls(of: nil, state: nil, limit: .max) {
            let records = audit.filter { $0.entry.action == "tool.call" && $0.entry.correlation == call.id.text }
            #expect(records.count == 1)
            switch call.state {
            case .completed:
                guard let id = call.result else {
                    Issue.record("a completed call without its result")
                    continue
                }
                #expect(try tx.object(id) != nil)
            case .unknown:
                #expect(call.endedAt != nil && call.error != nil && call.result == nil)
                let events = try tx.recentEvents(for: call.process.text, limit: .max)
                #expect(events.contains { $0.type == .toolFailed && $0.payload["call_id"] == .string(call.id.text) })
            case .intended, .failed: Issue.record("a call that is \(call.state) after recovery")
            }
        }
        let models = try tx.modelCalls(of: nil, limit: .max)
        #expect(models.allSatisfy { $0.status == .ok || $0.status == .unknown && $0.completedAt != nil })
    }

    private static func checkProcesses(_ tx: any StoreReading, _ audit: [AuditRecord]) throws(LibOSError) {
        let ended = Set(audit.filter { $0.entry.action == "process.exit" }.compactMap(\.entry.target))
        for process in try tx.processes(status: nil) {
            #expect(process.status != .running)
            #expect(process.status.isTerminal == ended.contains(process.id.text))
            #expect(process.status.isWaiting == (process.wait != nil))
            if process.status == .paused { #expect(process.pause == .interrupted && process.statusMessage != nil) }
            #expect(process.usage[.toolCalls] == Int64(try tx.toolCalls(of: process.id, state: nil, limit: .max).count))
            // Nobody waits for a child that has ended.
            if case .child(let child) = process.wait { #expect(try tx.process(child)?.status.isTerminal == false) }
        }
    }
}
