import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import Testing

struct ConstraintTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var constraints: CapabilityConstraints
        var context: ActionContext
        var isMet: Bool
        var testDescription: String { name }
    }

    static let rows = [
        Row(name: "tool", constraints: .init(tools: ["a", "b"]), context: .init(tool: "b"), isMet: true),
        Row(name: "other tool", constraints: .init(tools: ["a"]), context: .init(tool: "b"), isMet: false),
        Row(name: "tool in another case", constraints: .init(tools: ["a"]), context: .init(tool: "A"), isMet: false),
        Row(name: "look-alike tool", constraints: .init(tools: ["K"]), context: .init(tool: "\u{212A}"), isMet: false),
        Row(name: "no tool", constraints: .init(tools: ["a"]), context: .init(), isMet: false),
        Row(name: "no tool is named", constraints: .init(tools: []), context: .init(tool: ""), isMet: false),
        Row(name: "hash", constraints: .init(actionHash: "ab12"), context: .init(actionHash: "ab12"), isMet: true),
        Row(name: "other hash", constraints: .init(actionHash: "ab12"), context: .init(actionHash: "ab13"), isMet: false),
        Row(name: "hash in another case", constraints: .init(actionHash: "ab12"), context: .init(actionHash: "AB12"), isMet: false),
        Row(name: "beginning of the hash", constraints: .init(actionHash: "ab12"), context: .init(actionHash: "ab"), isMet: false),
        Row(name: "no hash", constraints: .init(actionHash: "ab12"), context: .init(), isMet: false),
        Row(
            name: "argument prefix", constraints: .init(argumentPrefixes: [["git", "status"]]),
            context: .init(arguments: ["git", "status", "--short"]), isMet: true),
        Row(
            name: "second prefix", constraints: .init(argumentPrefixes: [["git", "log"], ["git", "diff"]]),
            context: .init(arguments: ["git", "diff"]), isMet: true),
        Row(
            name: "other command", constraints: .init(argumentPrefixes: [["git", "status"]]), context: .init(arguments: ["git", "push"]),
            isMet: false),
        Row(
            name: "words, not letters", constraints: .init(argumentPrefixes: [["git", "stat"]]),
            context: .init(arguments: ["git", "status"]), isMet: false),
        Row(name: "shorter", constraints: .init(argumentPrefixes: [["git", "status"]]), context: .init(arguments: ["git"]), isMet: false),
        Row(
            name: "program by its path", constraints: .init(argumentPrefixes: [["git"]]), context: .init(arguments: ["/usr/bin/git"]),
            isMet: false),
        Row(
            name: "look-alike word", constraints: .init(argumentPrefixes: [["a", ";"]]), context: .init(arguments: ["a", "\u{37E}"]),
            isMet: false),
        Row(name: "no arguments", constraints: .init(argumentPrefixes: [["git"]]), context: .init(), isMet: false),
        Row(name: "no prefix", constraints: .init(argumentPrefixes: []), context: .init(arguments: ["git"]), isMet: false),
        Row(name: "unknown key", constraints: .init(unknown: ["max_bytes"]), context: .init(tool: "a"), isMet: false),
        Row(name: "one of two fails", constraints: .init(actionHash: "x", tools: ["a"]), context: .init(tool: "a"), isMet: false),
        Row(
            name: "two hold", constraints: .init(actionHash: "x", tools: ["a"]), context: .init(tool: "a", actionHash: "x"), isMet: true),
    ]

    /// Written as the store has them: unknown keys come from elsewhere, never from the broker.
    private func record(_ row: Row, _ effect: Effect, _ world: World) throws -> CapabilityRecord {
        CapabilityRecord(
            subject: world.parent, resource: try Resource.parse("shell:git"), rights: [.execute], effect: effect,
            constraints: row.constraints, issuedBy: "human:owner", issuedAt: world.now)
    }

    @Test("an allow with conditions", arguments: rows) func allow(_ row: Row) async throws {
        let world = try await World()
        let record = try record(row, .allow, world)
        try await world.write { (transaction, _) throws(LibOSError) in try transaction.insert(record) }
        let decision = try await world.decide("shell:git execute", context: row.context)
        #expect(decision.effect == (row.isMet ? .allow : .deny))
        #expect(decision.selected == record.id)
        #expect(decision.constraints.allSatisfy(\.isMet) == row.isMet && !decision.constraints.isEmpty)
    }

    @Test("a condition that is not met fails the decision, whatever wider records say", arguments: rows.filter { !$0.isMet })
    func failsClosed(_ row: Row) async throws {
        let world = try await World()
        try await world.grant("allow shell:* execute")
        try await world.grant("allow shell:git execute")
        for effect in [Effect.allow, .ask] {
            let record = try record(row, effect, world)
            try await world.write { (transaction, _) throws(LibOSError) in try transaction.insert(record) }
            #expect(try await world.effect("shell:git execute", context: row.context) == .deny)
        }
        #expect(try await world.effect("shell:ls execute", context: row.context) == .allow)
    }

    @Test("a condition of a record that does not decide does not matter") func notTheDecider() async throws {
        let world = try await World()
        try await world.grant("allow shell:* execute") { $0.constraints.tools = ["x"] }
        try await world.grant("allow shell:git execute")
        #expect(try await world.effect("shell:git execute") == .allow)
    }
}
