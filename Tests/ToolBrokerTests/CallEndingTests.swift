internal import LibOSModel
internal import SQLiteRuntimeStore
internal import StrictJSON
internal import Synchronization
internal import Testing
internal import ToolBroker

/// Records of the caller's own that are written in the transaction that closes a call.
@Suite struct CallEndingTests {
    private static func note(_ action: String = "test.ending") -> CallEnding {
        { result, transaction throws(LibOSError) in
            try transaction.append(AuditEntry(actor: "test", action: action, target: result.call.text))
        }
    }

    private func end(_ fixture: BrokerFixture, _ tool: String, _ ending: @escaping CallEnding) async throws -> ToolCallResult {
        let request = ToolCallRequest(process: fixture.process, tool: tool, arguments: .object([]))
        guard case .done(let result) = try await fixture.broker.call(request, ending: ending) else {
            throw LibOSError(.process, "the call waits")
        }
        return result
    }

    @Test(.timeLimit(.minutes(1))) func `they follow the end of the call, at the same instant`() async throws {
        try await BrokerFixture.with { fixture in
            let result = try await end(fixture, "get_current_time", Self.note())
            #expect(result.isOK && result.isEndRecorded)
            let rows = try await fixture.store.read { store throws(LibOSError) in try store.audit(AuditQuery(limit: 1000)) }
            let at = try #require(rows.firstIndex { $0.entry.action == "test.ending" })
            #expect(rows[at - 1].entry.action == "tool.call" && rows[at].timestamp == rows[at - 1].timestamp)
            #expect(rows[at].entry.target == result.call.text)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what cannot be recorded keeps no call open`() async throws {
        try await BrokerFixture.with { fixture in
            let result = try await end(fixture, "get_current_time") { result, transaction throws(LibOSError) in
                try transaction.append(AuditEntry(actor: "test", action: "test.undone"))
                throw LibOSError(.validation, "no")
            }
            #expect(result.isOK && !result.isEndRecorded, "the call did what it did")
            #expect(try await fixture.calls(.completed).count == 1)
            #expect(try await fixture.audit("test.undone").isEmpty)
            #expect(try await fixture.audit("tool.call").count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a store that fails is not written to again`() async throws {
        try await BrokerFixture.with { fixture in
            let runs = Mutex(0)
            await #expect(throws: LibOSError.self) {
                _ = try await end(fixture, "get_current_time") { _, _ throws(LibOSError) in
                    runs.withLock { $0 += 1 }
                    throw LibOSError(.store, "no room")
                }
            }
            #expect(runs.withLock { $0 } == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a call that was refused before it began, and one that waits, leave them to the caller`()
        async throws
    {
        try await BrokerFixture.with { fixture in
            let refused = try await end(fixture, "no_such_tool", Self.note())
            #expect(!refused.isOK && !refused.isEndRecorded)
            fixture.kernel.answer("clock.now", .waiting(.message(MessageFilter())))
            let request = ToolCallRequest(process: fixture.process, tool: "get_current_time", arguments: .object([]))
            guard case .waiting = try await fixture.broker.call(request, ending: Self.note()) else {
                Issue.record("it does not wait")
                return
            }
            #expect(try await fixture.audit("test.ending").isEmpty)
        }
    }
}
