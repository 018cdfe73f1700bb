import LibOSModel
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// The supervisor is killed between any two writes of the quanta of several agents; what it leaves is opened, looked at, and gone on
/// with.
struct CrashScenarioTests {
    private static let probe = Products.directory + "/quantum-crash-probe"

    struct Scenario: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// Kinds of points that are all taken. Something happens between two transactions only where a tool or a file is involved;
        /// elsewhere the end of one is as good as the beginning of the next.
        var kinds: Set<Character>
        /// Points at least: fewer would mean that the plan was not played.
        var points: Int
    }

    static let scenarios = [
        Scenario(testDescription: "file", kinds: ["a", "b"], points: 50),
        Scenario(testDescription: "command", kinds: ["a", "b"], points: 45),
        Scenario(testDescription: "channel", kinds: ["a", "b"], points: 60), Scenario(testDescription: "family", kinds: ["a"], points: 70),
        Scenario(testDescription: "people", kinds: ["a"], points: 50), Scenario(testDescription: "limits", kinds: ["a"], points: 50),
    ]
    /// Of the points inside of transactions, where SQLite answers for what is left, this many of each kind.
    fileprivate static let samples = 3

    @Test("a crash between any two writes of a quantum", .timeLimit(.minutes(20)), arguments: scenarios)
    func everyPoint(_ scenario: Scenario) async throws {
        let name = scenario.testDescription
        let scratch = try ScratchDirectory("crash-\(name)")
        defer { scratch.remove() }
        let stage = try scratch.directory("stage")
        #expect(try Self.run("prepare", stage, name).code == 0)
        let whole = try Self.copy(stage, to: scratch.path + "/whole")
        let (code, counts) = try Self.run("run", whole, name, "0")
        let points = scenario.points(of: counts)
        #expect(code == 0 && points.count >= scenario.points, "\(counts)")
        let undisturbed = try await CrashSnapshot.take(whole)
        undisturbed.check("\(name), no crash")
        Self.checkPlayed(undisturbed, name)
        var killed = 0
        for (number, point) in points.enumerated() {
            let place = try Self.copy(stage, to: "\(scratch.path)/\(point)")
            let ended = try Self.run("run", place, name, point)
            // Processes that run beside one another may pass fewer points this time.
            if ended.code == 0 { continue }
            #expect(ended.code == 128 + 9, "\(name) \(point)")
            killed += 1
            #expect(try Self.run("recover", place).code == 0, "\(name) \(point)")
            let left = try await CrashSnapshot.take(place)
            left.check("\(name) \(point)", isStarted: false)
            defer { HostFile.removeTree(place) }
            if number % 3 != 0 { continue }
            #expect(try Self.run("run", place, name, "0").code == 0, "\(name) \(point)")
            let later = try await CrashSnapshot.take(place)
            later.check("\(name) \(point), later")
            left.checkLater(later, "\(name) \(point)")
        }
        #expect(killed >= scenario.points)
    }

    /// That each scenario is what it says: without it the points would be of something else.
    private static func checkPlayed(_ end: CrashSnapshot, _ name: String) {
        let root = end.processes.first { $0.parent == nil }
        let states = end.calls.map { "\($0.toolName) \($0.state)" }
        switch name {
        case "file":
            #expect(end.files == ["log.txt", "made.txt"] && root?.status == .exited, "\(states)")
        case "command":
            #expect(end.log == ["first"] && root?.status == .exited, "\(states)")
            #expect(end.audit("tool.call").contains { $0.says("policy_decision", "deny") })
        case "channel":
            #expect(end.files.contains("nested.txt") && root?.status == .exited, "\(states)")
            #expect(end.requests.map(\.status) == [.approved] && end.calls("libos_calls").map(\.state) == [.completed])
        case "family":
            #expect(end.processes.map(\.status) == [.exited, .exited] && root?.usage[.toolCalls] == 8, "\(states)")
            #expect(end.audit("llm.action_waiting_message").count >= 1)
        case "people":
            #expect(end.requests.map(\.status) == [.approved, .used, .rejected] && root?.status == .exited, "\(states)")
            #expect(!end.files.contains("old.txt") && !end.files.contains("refused"))
        default:
            let child = end.processes.first { $0.parent != nil }
            #expect(root?.outcome == .budget(.modelCalls) && child?.status.isTerminal == true, "\(end.processes)")
            #expect(end.audit("tool.call").contains { $0.says("policy_decision", "resource_limit") })
        }
    }

    // MARK: - The program

    /// Its exit status, and how many points of each kind it said that it had.
    private static func run(_ arguments: String...) throws -> (code: Int32, counts: [Character: Int]) {
        let ended = try BareProcess.run([probe] + arguments)
        if ended.code == 1 { Issue.record("\(arguments): \(ended.output) \(ended.errorOutput)") }
        let words = ended.output.split(whereSeparator: \.isWhitespace)
        guard words.first == "points" else { return (ended.code, [:]) }
        let counts = words.dropFirst().compactMap { word in word.first.flatMap { kind in Int(word.dropFirst()).map { (kind, $0) } } }
        return (ended.code, Dictionary(uniqueKeysWithValues: counts))
    }

    private static func copy(_ source: String, to target: String) throws -> String {
        #expect(try BareProcess.run(["/bin/cp", "-a", source, target]).code == 0)
        return target
    }
}

extension CrashScenarioTests.Scenario {
    /// As the program takes them: a letter and a number.
    fileprivate func points(of counts: [Character: Int]) -> [String] {
        counts.sorted { $0.key < $1.key }.flatMap { kind, count in
            if CrashScenarioTests.Scenario.whole.contains(kind), !kinds.contains(kind) { return [String]() }
            let step = kinds.contains(kind) ? 1 : max(1, count / CrashScenarioTests.samples)
            return stride(from: 1, through: count, by: step).map { "\(kind)\($0)" }
        }
    }

    /// Kinds that are taken whole or not at all.
    private static let whole: Set<Character> = ["a", "b"]
}
