import AgentRuntime
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@Suite(.serialized) struct ProcessScenarioTests {
    @Test("a child has what was passed on and nothing else") func delegation() async throws {
        try await AgentFixture.with { fixture in
            let parent = try await fixture.spawn([
                "own filesystem:workspace:secrets/token.txt read", "filesystem:workspace:src/app.py read", "process:spawn execute",
            ])
            // Both play one script: the parent makes the child and waits, then the child acts, then the parent ends.
            try await fixture.play(
                """
                - {action: spawn_child_process, goal: "look", image: "coding-agent:v0", inherit_read_files: [src/app.py]}
                - {action: read_text_file, path: src/app.py}
                - {action: read_text_file, path: secrets/token.txt}
                - {action: process_exit}
                - {action: process_exit}
                """)
            let child = try #require(
                try await fixture.read { store throws(LibOSError) in try store.children(of: parent) }.first)
            let capabilities = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: child.id) }
            let files = capabilities.filter { $0.resource.kind == .filesystem && $0.effect == .allow }.map(\.resource.description)
            #expect(files == ["filesystem:workspace:src/app.py"])
            for outcome in try await fixture.outcomes(child.id) where outcome.tool == "read_text_file" {
                if !outcome.isDone { #expect(outcome.layer == "capability") }
            }
        }
    }

    @Test("what cannot be passed on stops the making of the child", arguments: ["fork_child_process", "spawn_child_process"])
    func secretPassedOn(_ tool: String) async throws {
        try await AgentFixture.with { fixture in
            let parent = try await fixture.spawn(["filesystem:workspace:README.md read", "process:spawn execute"])
            try await fixture.play(
                """
                - {action: \(tool), goal: "steal", inherit_read_files: [secrets/token.txt]}
                - {action: process_exit}
                """)
            #expect(try await fixture.outcomes(parent).map(\.short) == ["\(tool) refused", "process_exit done"])
            #expect(try await fixture.read { store throws(LibOSError) in try store.children(of: parent) }.isEmpty)
        }
    }

    @Test("somebody else's object is not read by its name") func foreignObject() async throws {
        try await AgentFixture.with { fixture in
            let owner = try await fixture.spawn([])
            let runtime = fixture.runtime
            let origin = ActionOrigin(process: owner, tool: "test")
            try await runtime.store.write { transaction throws(LibOSError) in
                _ = try runtime.memory.create(
                    ObjectDraft(type: .artifact, payload: .string("object-secret"), name: "api_key"), by: origin, in: transaction)
            }
            try await runtime.signal(owner, .pause)
            let thief = try await fixture.spawn([])
            try await fixture.play(
                """
                - {action: read_memory_object, name: api_key, namespace: "process:\(owner)"}
                - {action: process_exit}
                """)
            #expect(try await fixture.outcomes(thief).map(\.short) == ["read_memory_object refused", "process_exit done"])
            #expect(try await !fixture.everythingRecorded().contains("object-secret"))
        }
    }

    @Test("50 children and 1,000 calls: every budget adds up, and the store verifies") func many() async throws {
        try await AgentFixture.with { fixture in
            let budget = ResourceBudget([.toolCalls: 2_000, .childProcesses: 100, .materializedTokens: 65_536])
            let root = try await fixture.spawn(["process:spawn execute", "clock:now read"], budget: budget)
            let runtime = fixture.runtime
            let clock = try Resource.parse("clock:now")
            for _ in 0..<50 {
                try await runtime.store.write { transaction throws(LibOSError) in
                    _ = try runtime.processes.spawnChild(
                        ChildRequest(
                            goal: .text("count"), inherited: [NeededRight(resource: clock, rights: [.read])],
                            budget: ResourceBudget([.toolCalls: 40])), by: ActionOrigin(process: root, tool: "test"), in: transaction)
                }
            }
            // All play one endless part; the quanta run out first.
            let script = "'*':\n" + String(repeating: "  - {action: get_current_time}\n", count: 1_100)
            try await fixture.play(script, quanta: 1_000)
            let (processes, toolCalls, modelCalls) = try await fixture.read { store throws(LibOSError) in
                (
                    try store.processes(status: nil), try store.toolCalls(of: nil, state: nil, limit: 10_000),
                    try store.modelCalls(of: nil, limit: 10_000)
                )
            }
            #expect(processes.count == 51)
            #expect(toolCalls.count == 1_000 && toolCalls.allSatisfy { $0.state == .completed })
            #expect(modelCalls.count == 1_000 && modelCalls.allSatisfy { $0.status == .ok })
            let callsOf = Dictionary(grouping: toolCalls, by: \.process).mapValues { Int64($0.count) }
            let questionsOf = Dictionary(grouping: modelCalls, by: \.process).mapValues { Int64($0.count) }
            let (parent, children) = (try #require(processes.first { $0.id == root }), processes.filter { $0.parent == root })
            for child in children {
                var usage = child.usage
                usage.amounts[.runtimeSeconds] = nil // what no record but the account itself counts
                #expect(usage == ResourceUsage([.toolCalls: callsOf[child.id] ?? 0, .modelCalls: questionsOf[child.id] ?? 0]))
            }
            // What its children used and what it used itself, exactly, of each item.
            let own = [BudgetItem.toolCalls: callsOf[root] ?? 0, .modelCalls: questionsOf[root] ?? 0, .childProcesses: 50]
            for item in BudgetItem.allCases where item != .runtimeSeconds {
                #expect(parent.usage[item] == children.reduce(own[item] ?? 0) { $0 + $1.usage[item] }, "\(item)")
            }
            #expect(parent.usage[.runtimeSeconds] >= children.reduce(0) { $0 + $1.usage[.runtimeSeconds] })
            #expect(parent.usage[.toolCalls] == 1_000 && parent.usage[.modelCalls] == 1_000)
        }
    }
}
