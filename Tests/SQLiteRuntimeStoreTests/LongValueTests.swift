import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

/// Values that are kept apart from the rows that change often, and what is remembered of them.
struct LongValueTests {
    private func processWithView(_ roots: Int) -> AgentProcess {
        var process = Sample.process()
        process.view = MemoryView(
            owner: process.id, roots: (0..<roots).map { _ in ObjectHandle(object: .new(), rights: [.read], capability: .new()) })
        return process
    }

    @Test("a store of the first version keeps its views and requests") func migration() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let (seeing, blind) = (processWithView(3), AgentProcess(image: "i", createdAt: Sample.noon))
        let (first, second) = (Sample.modelCall(), Sample.modelCall())
        try await store.write { (tx) throws(LibOSError) in
            for process in [seeing, blind] { try tx.insert(process) }
            for call in [first, second] { try tx.insert(call) }
        }
        // Back to the form of the first version.
        try await store.tamper(
            "ALTER TABLE process ADD COLUMN view TEXT",
            "UPDATE process SET view = (SELECT view FROM process_view WHERE process_view.process = process.sequence)",
            "DROP TABLE process_view", "ALTER TABLE model_call ADD COLUMN messages TEXT", "ALTER TABLE model_call ADD COLUMN tools TEXT",
            """
            UPDATE model_call SET messages = (SELECT messages FROM model_request WHERE call = sequence),
                tools = (SELECT model_tools.tools FROM model_request JOIN model_tools ON number = model_request.tools WHERE call = sequence)
            """, "DROP TABLE model_request", "DROP TABLE model_tools",
            "DELETE FROM grdb_migrations WHERE identifier <> 'runtime records'", "PRAGMA user_version = 1")
        await store.close()

        let reopened = try await fixture.open()
        let read = try await reopened.read { (tx) throws(LibOSError) in
            (try tx.process(seeing.id), try tx.process(blind.id), try tx.modelCall(first.id), try tx.modelCall(second.id))
        }
        #expect(read.0?.view == seeing.view && read.1?.view == nil)
        #expect(read.0 != nil && read.2 == first && read.3 == second)
        #expect(try await reopened.number("SELECT count(*) FROM model_tools") == 1)
        await reopened.close()
    }

    @Test("the text of a view is that of one that was never written before") func viewTexts() throws {
        let texts = ViewTexts()
        var view = try #require(processWithView(3).view)
        let (one, two) = (ProcessID.new(), ProcessID.new())
        for round in 0..<40 {
            switch round % 5 {
            case 0: view.roots.insert(ObjectHandle(object: .new(), rights: [.read, .write], capability: .new()), at: 0)
            case 1: view.roots[round % view.roots.count].expiresAt = Sample.noon
            case 2: view.roots.remove(at: view.roots.count / 2)
            case 3: view.createdFrom = round % 2 == 0 ? .new() : nil
            default: view.roots.append(ObjectHandle(object: .new(), rights: Set(ObjectRight.allCases), capability: .new()))
            }
            #expect(try texts.text(of: view, of: one) == StoredJSON.text(of: view.json))
            if round % 3 == 0 { #expect(try texts.text(of: view, of: two) == StoredJSON.text(of: view.json)) }
        }
        view.roots = []
        #expect(try texts.text(of: view, of: one) == StoredJSON.text(of: view.json))
    }

    @Test("a view is written when it changed, and read as it is stored") func views() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let process = processWithView(20)
        let other = processWithView(20)
        try await store.write { (tx) throws(LibOSError) in try tx.insert(process) }
        func stored() async throws -> MemoryView? {
            try await store.read { (tx) throws(LibOSError) in try tx.process(process.id)?.view }
        }
        #expect(try await stored() == process.view)
        // What was undone is not remembered.
        let undone = LibOSError(.timeout, "undone")
        let error = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                var changed = try tx.existingProcess(process.id)
                changed.view = other.view
                try tx.update(changed)
                let inside = try tx.existingProcess(process.id).view
                throw inside == other.view ? undone : LibOSError(.store, "the transaction does not see its own view")
            }
        }
        #expect(error == undone)
        #expect(try await stored() == process.view)
        // Neither is what somebody else replaced, even with as many bytes.
        try await store.tamper("UPDATE process_view SET view = replace(view, '\"read\"', '\"diff\"')")
        #expect(try await stored()?.roots.allSatisfy { $0.rights == [.diff] } == true)
        // And a process may lose its view.
        try await store.write { (tx) throws(LibOSError) in
            var changed = try tx.existingProcess(process.id)
            changed.view = nil
            try tx.update(changed)
        }
        #expect(try await stored() == nil)
        #expect(try await store.number("SELECT count(*) FROM process_view") == 0)
    }

    @Test("charging changes what was used and nothing else") func charging() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        var parent = AgentProcess(image: "i", budget: ResourceBudget([.subprocessCPUMilliseconds: 10]), createdAt: Sample.noon)
        var child = processWithView(20)
        child.parent = parent.id
        child.budget = ResourceBudget()
        child.usage = ResourceUsage()
        let inserted = (parent, child)
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(inserted.0)
            try tx.insert(inserted.1)
            try tx.charge(2, of: .toolCalls, to: inserted.1.id)
            // Eight of the parent's ten, then what is left.
            try tx.charge(spent: [.subprocessCPUMilliseconds: 8, .subprocessWallMilliseconds: 30], to: inserted.1.id)
            try tx.charge(spent: [.subprocessCPUMilliseconds: 8], to: inserted.1.id)
        }
        child.usage = ResourceUsage([.toolCalls: 2, .subprocessCPUMilliseconds: 10, .subprocessWallMilliseconds: 30])
        parent.usage = child.usage
        let expected = (parent, child)
        let read = try await store.read { (tx) throws(LibOSError) in
            (try tx.existingProcess(expected.0.id), try tx.existingProcess(expected.1.id))
        }
        #expect(read.0 == expected.0 && read.1 == expected.1)
    }

    @Test("descriptions of tools are kept once, and stay what was asked") func requests() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let call = Sample.modelCall()
        var later = Sample.modelCall()
        later.tools = .array([.string("others")])
        let others = later
        try await store.write { (tx) throws(LibOSError) in
            for call in [call, Sample.modelCall(), others] { try tx.insert(call) }
            var closed = call
            closed.messages = .null
            closed.error = "closed"
            try tx.update(closed)
        }
        let read = try await store.read { (tx) throws(LibOSError) in (try tx.modelCall(call.id), try tx.modelCall(others.id)) }
        #expect(read.0?.messages == call.messages && read.0?.tools == call.tools && read.0?.error == "closed")
        #expect(read.1 == others)
        #expect(try await store.number("SELECT count(*) FROM model_tools") == 2)
    }

    // MARK: - Requests

    private func call(_ process: ProcessID, _ system: String, _ user: String) -> ModelCallRecord {
        var call = Sample.bareModelCall()
        call.process = process
        call.messages = .array([
            .object(["content": .string(system), "role": .string("system")]), .object(["content": .string(user), "role": .string("user")]),
        ])
        return call
    }

    @Test("requests that grow, shrink and change at any place read back as they were asked") func growingRequests() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let processes = [ProcessID.new(), ProcessID.new()]
        let pieces = ["plain words ", "\"quoted\" ", "line\n", "back\\slash ", "ünïcode 😀 ", "\u{1}\u{7F} ", "e\u{301} ", "\0"]
        var generator = SystemRandomNumberGenerator()
        var users = ["", ""]
        var asked: [ModelCallRecord] = []
        for round in 0..<160 {
            let who = round % 3 == 0 ? 1 : 0
            for _ in 0..<(round % 40 == 39 ? 2000 : 30) { users[who] += pieces.randomElement(using: &generator) ?? "" }
            if round % 23 == 22 { users[who].removeFirst(users[who].count / 2) }
            if round % 17 == 16 { users[who].removeLast(min(users[who].count, 40)) }
            var call = call(processes[who], round % 31 == 30 ? String(repeating: "s", count: 2000) : "system", users[who])
            if round % 29 == 28 { call.messages = .array([.string(users[who]), call.messages]) }
            if round % 37 == 36 { call.messages = .string(users[who]) }
            asked.append(call)
            let made = call
            if round % 11 == 10 {
                // Undone after it was remembered.
                _ = await thrown {
                    try await store.write { (tx) throws(LibOSError) in
                        try tx.insert(self.call(made.process, "undone", "undone " + String(repeating: "u", count: 6000)))
                        throw LibOSError(.denied, "no")
                    }
                }
            }
            try await store.write { (tx) throws(LibOSError) in try tx.insert(made) }
        }
        let shared = try await store.number("SELECT count(*) FROM model_request WHERE base IS NOT NULL") ?? 0
        #expect(shared > 60)
        #expect(
            try await store.number(
                "SELECT count(*) FROM model_request AS a JOIN model_request AS b ON b.call = a.base WHERE b.base IS NOT NULL") == 0)
        for isReopened in [false, true] {
            let reading = isReopened ? try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) : store
            for call in asked { #expect(try await reading.read { (tx) throws(LibOSError) in try tx.modelCall(call.id) } == call) }
            await reading.close()
        }
    }

    @Test("a base that was undone is not built on, even when another call has its number") func undoneBase() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let process = ProcessID.new()
        let text = String(repeating: "a long beginning, ", count: 300)
        let (lost, other, next) = (call(process, "s", text), call(.new(), "s", "short"), call(process, "s", text + "and more"))
        _ = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                try tx.insert(lost)
                throw LibOSError(.denied, "no")
            }
        }
        try await store.write { (tx) throws(LibOSError) in try tx.insert(other) }
        try await store.write { (tx) throws(LibOSError) in try tx.insert(next) }
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.modelCall(next.id) } == next)
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.modelCall(other.id) } == other)
    }

    @Test("a request that is too deep is refused as before") func deepRequest() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        var call = Sample.bareModelCall()
        call.messages = .array([.object(["content": (0..<StoredJSON.deepest).reduce(JSONValue.int(1)) { value, _ in .array([value]) }])])
        let deep = call
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.insert(deep) } }?.code == .validation)
        call.messages = .array([.object([JSONMember("a", .int(1)), JSONMember("a", .int(2))])])
        let twice = call
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.insert(twice) } }?.code == .validation)
    }

    // MARK: - Columns that stay

    @Test("a change of what mostly stays is kept too") func standing() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let (process, object, call, model) = (Sample.process(), Sample.object(), Sample.toolCall(), Sample.modelCall())
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(process)
            try tx.insert(object)
            try tx.insert(call)
            try tx.insert(model)
        }
        try await store.write { (tx) throws(LibOSError) in
            guard var read = try tx.process(process.id) else { throw .notFound("process") }
            // First what moves, then what stays.
            read.usage[.toolCalls] = read.usage[.toolCalls] == 3 ? 4 : 3
            read.generation = read.generation == 7 ? 8 : 7
            try tx.update(read)
            #expect(try tx.process(process.id) == read)
            read.toolTable["another"] = .new()
            read.budget = ResourceBudget([.toolCalls: 5])
            read.image = "another"
            try tx.update(read)
            #expect(try tx.process(process.id) == read)
            read.usage[.toolCalls] -= 1
            read.statusMessage = "said"
            try tx.update(read)
            #expect(try tx.process(process.id) == read)
            var moved = object
            moved.version -= 1
            moved.payload = .string("moved")
            try tx.update(moved)
            #expect(try tx.object(object.id) == moved)
            moved.name = "another"
            moved.payload = .string("moved again")
            try tx.update(moved)
            #expect(try tx.object(object.id) == moved)
            var tool = call
            tool.error = "e"
            try tx.update(tool)
            tool.arguments = .string("others")
            tool.error = "f"
            try tx.update(tool)
            #expect(try tx.toolCall(call.id) == tool)
            var asked = model
            asked.error = "e"
            asked.image = "another"
            try tx.update(asked)
            #expect(try tx.modelCall(model.id) == asked)
        }
        var gone = object
        gone.id = .new()
        let missing = gone
        #expect(await thrown { try await store.write { (tx) throws(LibOSError) in try tx.update(missing) } }?.code == .notFound)
    }
}
