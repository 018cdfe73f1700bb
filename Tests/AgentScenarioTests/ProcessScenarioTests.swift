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

    @Test("many children and calls: every budget adds up") func many() async throws {
        try await AgentFixture.with { fixture in
            let budget = ResourceBudget([.toolCalls: 2_000, .childProcesses: 100, .materializedTokens: 65_536])
            let root = try await fixture.spawn(["process:spawn execute", "clock:now read"], budget: budget)
            let runtime = fixture.runtime
            let clock = try Resource.parse("clock:now")
            var children: [ProcessID] = []
            for _ in 0..<10 {
                let made = try await runtime.store.write { transaction throws(LibOSError) in
                    try runtime.processes.spawnChild(
                        ChildRequest(
                            goal: .text("count"), inherited: [NeededRight(resource: clock, rights: [.read])],
                            budget: ResourceBudget([.toolCalls: 40])), by: ActionOrigin(process: root, tool: "test"), in: transaction
                    ).id
                }
                children.append(made)
            }
            // All play one endless part; the quanta run out first.
            let step = "- {action: get_current_time}\n"
            let script = "'*':\n" + String(repeating: "  " + step, count: 400)
            try await fixture.play(script, quanta: 200)
            let processes = try await fixture.read { store throws(LibOSError) in try store.processes(status: nil) }
            let calls = try await fixture.read { store throws(LibOSError) in try store.toolCalls(of: nil, state: nil, limit: 10_000) }
            let perProcess = Dictionary(grouping: calls, by: \.process).mapValues(\.count)
            #expect(calls.count == 200)
            #expect(calls.allSatisfy { $0.state == .completed })
            let rootProcess = try #require(processes.first { $0.id == root })
            #expect(rootProcess.usage[.toolCalls] == 200)
            #expect(rootProcess.usage[.childProcesses] == 10)
            for child in processes where child.parent == root { #expect(child.usage[.toolCalls] == Int64(perProcess[child.id] ?? 0)) }
            #expect(
                Int64(processes.filter { $0.parent == root }.reduce(0) { $0 + $1.usage[.toolCalls] }) + Int64(perProcess[root] ?? 0)
                    == 200)
        }
    }
}
