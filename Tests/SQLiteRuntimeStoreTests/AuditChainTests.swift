import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

struct AuditChainTests {
    let store: SQLiteRuntimeStore

    init() throws { store = try SQLiteRuntimeStore.inMemory(clock: HeldClock(Sample.noon)) }

    /// As many records, of which every third has a large decision.
    private func fill(_ count: Int) async throws {
        try await store.write { (tx) throws(LibOSError) in
            for number in 0..<count {
                let text = number % 3 == 2 ? String(repeating: "x", count: AuditRow.longestInlineDecision + number) : "small"
                try tx.append(
                    AuditEntry(
                        actor: "pid_a", action: "tool.call", target: "t", inputs: [.new()], outputs: [.new()], capabilities: [.new()],
                        decision: .object(["text": .string(text), "number": .int(Int64(number))]), parent: .new(), correlation: "c\(number)"
                    ))
            }
        }
    }

    private func fault() async throws -> AuditFault? { try await store.verifyAudit().fault }

    @Test("the bytes that are hashed, and their hash, never change") func golden() throws {
        var entry = AuditEntry(actor: "p\"1", action: "tool.call", decision: .object(["b": .int(1), "a": .null]))
        entry.inputs = [try #require(ObjectID("obj_1")), try #require(ObjectID("obj_2"))]
        let record = AuditRecord(
            id: try #require(AuditID("audit_1")), sequence: 7, timestamp: Timestamp(microseconds: 1_795_000_000_000_001), entry: entry,
            hash: "",
            previousHash: AuditRecord.firstPreviousHash)
        #expect(
            try AuditChain.canonicalText(of: record) == #"""
                {"action":"tool.call","actor":"p\"1","capabilities":[],"correlation":null,"decision":{"a":null,"b":1},"id":"audit_1",\#
                "inputs":["obj_1","obj_2"],"outputs":[],"parent":null,"sequence":7,"target":null,"timestamp":1795000000000001}
                """#)
        #expect(try AuditChain.hash(of: record) == "9e081fe545833063a95b7f1d4bf4595dcf48d4c23bf5c113429a96832c9cea41")
    }

    @Test("each record stands behind the one before, and anybody can compute its hash") func chain() async throws {
        try await fill(7)
        let records = try await store.read { (tx) throws(LibOSError) in try tx.audit(AuditQuery()) }
        #expect(records.map(\.sequence) == Array(1...7))
        #expect(records[0].previousHash == AuditRecord.firstPreviousHash)
        for (index, record) in records.enumerated() {
            #expect(try AuditChain.hash(of: record) == record.hash)
            if index > 0 { #expect(record.previousHash == records[index - 1].hash) }
        }
        let found = try await store.verifyAudit()
        #expect(found == AuditVerification(verified: 7, headHash: records[6].hash, dropped: 0, fault: nil))
    }

    @Test("an empty audit is whole") func empty() async throws {
        #expect(
            try await store.verifyAudit() == AuditVerification(verified: 0, headHash: AuditRecord.firstPreviousHash, dropped: 0, fault: nil)
        )
    }

    @Test("records are found by what a query names") func queries() async throws {
        try await store.write { (tx) throws(LibOSError) in
            for action in ["tool.call", "tool.register", "tools", "tool", "llm.request"] {
                try tx.append(AuditEntry(actor: action == "tools" ? "b" : "a", action: action, target: action, correlation: "c-" + action))
            }
        }
        let store = store
        func actions(_ query: AuditQuery) async throws -> [String] {
            try await store.read { (tx) throws(LibOSError) in try tx.audit(query).map(\.entry.action) }
        }
        #expect(try await actions(AuditQuery(action: "tool.")) == ["tool.call", "tool.register"])
        #expect(try await actions(AuditQuery(action: "tool")) == ["tool"])
        #expect(try await actions(AuditQuery(actor: "b")) == ["tools"])
        #expect(try await actions(AuditQuery(target: "llm.request")) == ["llm.request"])
        #expect(try await actions(AuditQuery(correlation: "c-tool")) == ["tool"])
        #expect(try await actions(AuditQuery(after: 3)) == ["tool", "llm.request"])
        #expect(try await actions(AuditQuery(action: "tool.", after: 1, limit: 1)) == ["tool.register"])
        #expect(try await actions(AuditQuery(limit: 0)).isEmpty)
    }

    @Test("nothing is changed or deleted through the store", arguments: ["audit", "event"]) func appendOnly(_ table: String) async throws {
        try await fill(2)
        try await store.write { (tx) throws(LibOSError) in try tx.append(Sample.event()) }
        let columns = table == "audit" ? "actor = 'x'" : "source = 'x'"
        for statement in [
            "UPDATE \(table) SET \(columns)", "DELETE FROM \(table)", "DELETE FROM \(table) WHERE sequence = 1",
            "INSERT OR REPLACE INTO \(table) SELECT * FROM \(table) WHERE sequence = 1",
        ] {
            let error = await thrown { try await store.tamper(statement) }
            #expect(error?.code == .store, "\(statement)")
        }
        #expect(try await store.verifyAudit().verified == 2)
    }

    @Test(
        "a changed column is found, whichever it is",
        arguments: [
            "id = 'audit_x'", "timestamp = timestamp + 1", "actor = 'pid_b'", "action = 'tool.calm'", "target = NULL", "target = 'u'",
            "inputs = '[]'", "outputs = '[\"obj_1\"]'", "capabilities = '[]'", "decision = '{}'", "correlation = NULL", "parent = NULL",
            "hash = zeroblob(32)", "decision = NULL, decision_sha256 = zeroblob(32)",
        ])
    func changedColumn(_ change: String) async throws {
        try await fill(6)
        try await store.dropTriggers()
        #expect(try await store.tamper("UPDATE audit SET \(change) WHERE sequence = 4") == 1)
        let fault = try #require(try await fault())
        #expect(fault.sequence == 4 && fault.kind == .hash)
        #expect(try await store.verifyAudit().verified == 3)
    }

    @Test("a column that cannot be read is found", arguments: ["actor = CAST(x'ff' AS TEXT)", "decision = '{\"a\":1'", "hash = x'00'"])
    func unreadable(_ change: String) async throws {
        try await fill(5)
        try await store.dropTriggers()
        try await store.tamper("UPDATE audit SET \(change) WHERE sequence = 4")
        let fault = try #require(try await fault())
        #expect(fault.sequence == 4 && fault.kind == .unreadable)
    }

    @Test("fields that trade places inside the hashed text are found") func shiftedFields() async throws {
        let decision = JSONValue.object(["a": .int(1), "id": .string("audit_evil"), "inputs": .array([])])
        try await store.record(AuditEntry(actor: "a", action: "b", decision: decision))
        let id = try await store.read { (tx) throws(LibOSError) in try tx.lastAudit()?.id.text ?? "" }
        try await store.dropTriggers()
        try await store.tamper(
            "UPDATE audit SET decision = '{\"a\":1', id = 'audit_evil', inputs = '[]},\"id\":\"\(id)\",\"inputs\":[]' WHERE sequence = 1")
        #expect(try await fault()?.kind == .unreadable)
    }

    @Test("a record that was taken out, put elsewhere or added is found") func moved() async throws {
        try await fill(6)
        try await store.dropTriggers()
        try await store.tamper("DELETE FROM audit WHERE sequence IN (3, 4)")
        #expect(try await fault()?.description == "audit record 3: records 3 to 4 are missing")
        #expect(try await fault()?.kind == .gap)
        try await store.tamper("UPDATE audit SET sequence = -1 WHERE sequence = 2")
        #expect(try await fault()?.kind == .order)
    }

    @Test("two records that changed places are found") func swapped() async throws {
        try await fill(6)
        try await store.dropTriggers()
        try await store.tamper(
            "UPDATE audit SET sequence = 99 WHERE sequence = 2", "UPDATE audit SET sequence = 2 WHERE sequence = 3",
            "UPDATE audit SET sequence = 3 WHERE sequence = 99")
        let fault = try #require(try await fault())
        #expect(fault.sequence == 2 && fault.kind == .link)
    }

    @Test("a tail that was cut off is found, down to the whole audit", arguments: [6, 4, 1]) func cutTail(_ first: Int64) async throws {
        try await fill(6)
        try await store.dropTriggers()
        try await store.tamper("DELETE FROM audit WHERE sequence >= \(first)")
        let fault = try #require(try await fault())
        #expect(fault.sequence == first && fault.kind == .missingTail)
        #expect(fault.reason == "the audit ends before record 6, its last")
    }

    @Test("a wrong end is found") func wrongHead() async throws {
        try await fill(3)
        try await store.dropTriggers()
        try await store.tamper("UPDATE audit_head SET count = 2")
        #expect(try await fault()?.kind == .head)
        try await store.tamper("UPDATE audit_head SET count = 3, hash = zeroblob(32)")
        #expect(try await fault()?.kind == .head)
        try await store.tamper("DELETE FROM audit_head")
        #expect(try await fault()?.kind == .head)
    }

    @Test("large decisions: dropped they leave a whole chain, changed they are found") func content() async throws {
        try await fill(6)
        let last = try #require(try await store.read { (tx) throws(LibOSError) in try tx.lastAudit() })
        #expect(last.entry.decision["number"] == .int(5))
        try await store.tamper("UPDATE content SET bytes = x'7b7d' WHERE sha256 = (SELECT decision_sha256 FROM audit WHERE sequence = 6)")
        let fault = try #require(try await fault())
        #expect(fault.sequence == 6 && fault.kind == .content)
        let dropped = try await store.dropAuditContent(before: Timestamp(microseconds: .max))
        #expect(dropped == 2)
        let found = try await store.verifyAudit()
        #expect(found.isWhole && found.dropped == 2 && found.verified == 6)
        let after = try #require(try await store.read { (tx) throws(LibOSError) in try tx.lastAudit() })
        #expect(after.entry.decision["dropped_sha256"] != nil && after.hash == last.hash)
        #expect(try AuditChain.hash(of: after) == last.hash)
    }

    @Test("content that a younger record names as well stays") func sharedContent() async throws {
        let clock = HeldClock(Timestamp(microseconds: 10))
        let store = try SQLiteRuntimeStore.inMemory(clock: clock)
        let large = JSONValue.string(String(repeating: "y", count: 5000))
        let entry = AuditEntry(actor: "a", action: "b", decision: large)
        try await store.record(entry)
        clock.set(Timestamp(microseconds: 20))
        try await store.record(entry)
        #expect(try await store.dropAuditContent(before: Timestamp(microseconds: 20)) == 0)
        #expect(try await store.dropAuditContent(before: Timestamp(microseconds: 21)) == 1)
        // Said again, it is kept again.
        try await store.record(entry)
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.lastAudit()?.entry.decision } == large)
        let forged = AuditEntry(actor: "a", action: "b", decision: AuditContent.dropped(Array(repeating: 1, count: 32)))
        #expect(await thrown { try await store.record(forged) }?.code == .validation)
    }

    @Test("an entry that cannot be stored leaves the chain as it is") func refusedEntry() async throws {
        try await fill(1)
        try await store.write { (tx) throws(LibOSError) in
            do throws(LibOSError) { try tx.append(AuditEntry(actor: "a", action: "b", decision: .double(.nan))) } catch {
                #expect(error.code == .validation)
            }
            try tx.append(AuditEntry(actor: "a", action: "b"))
        }
        #expect(try await store.verifyAudit().verified == 2)
    }
}
