import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

struct QueryTests {
    let store: SQLiteRuntimeStore

    init() throws { store = try SQLiteRuntimeStore.inMemory() }

    @Test("children, their number, and who waits for one") func children() async throws {
        let parent = Sample.bareProcess()
        var waiter = Sample.bareProcess()
        var first = Sample.bareProcess()
        var second = Sample.bareProcess()
        (first.parent, second.parent, second.status) = (parent.id, parent.id, .killed)
        waiter.wait = .child(first.id)
        let all = [parent, waiter, first, second]
        try await store.write { [all] (tx) throws(LibOSError) in for process in all { try tx.insert(process) } }
        try await store.read { [first, second, waiter] (tx) throws(LibOSError) in
            #expect(try tx.children(of: parent.id) == [first, second])
            #expect(try tx.childCount(of: parent.id) == 2)
            #expect(try tx.childCount(of: first.id) == 0)
            #expect(try tx.waiter(forChild: first.id) == waiter)
            #expect(try tx.waiter(forChild: second.id) == nil)
            #expect(try tx.processes(status: .killed) == [second])
            #expect(try tx.processes(status: nil).map(\.id) == [parent.id, waiter.id, first.id, second.id])
        }
        waiter.wait = nil
        try await store.write { [first, waiter] (tx) throws(LibOSError) in
            try tx.update(waiter)
            #expect(try tx.waiter(forChild: first.id) == nil)
        }
    }

    @Test("every change of a subject's records raises its generation, and no other's") func generations() async throws {
        let subject = ProcessID.new()
        let other = ProcessID.new()
        var parent = try Sample.bareCapability()
        parent.subject = subject
        var child = try Sample.bareCapability()
        (child.subject, child.parent) = (other, parent.id)
        try await store.write { [parent, child] (tx) throws(LibOSError) in
            #expect(try tx.capabilityGeneration(of: subject) == 0)
            try tx.insert(parent)
            #expect(try tx.capabilityGeneration(of: subject) == 1)
            #expect(try tx.capabilityGeneration(of: other) == 0)
            try tx.insert(child)
            var revoked = parent
            revoked.status = .revoked
            try tx.update(revoked)
            try tx.update(revoked)
            #expect(try tx.capabilityGeneration(of: subject) == 3)
            #expect(try tx.capabilityGeneration(of: other) == 1)
            #expect(try tx.capabilities(of: subject) == [revoked])
            #expect(try tx.capabilities(delegatedFrom: parent.id) == [child])
            var moved = child
            moved.subject = subject
            try tx.update(moved)
            #expect(try tx.capabilityGeneration(of: subject) == 4)
            #expect(try tx.capabilityGeneration(of: other) == 2)
        }
    }

    @Test("objects are found by everything that a query names") func objects() async throws {
        func object(_ name: String, _ type: ObjectType, tags: [String] = [], title: String? = nil) -> AgentObject {
            AgentObject(
                namespace: "n", name: name, type: type, payload: .null, metadata: ObjectMetadata(title: title, tags: tags), createdBy: "p",
                createdAt: Sample.noon)
        }
        let a = object("a%_", .plan, tags: ["x", "y"], title: "Über Alles")
        let b = object("b", .plan, tags: ["x", "a\"b"])
        let c = object("c\u{0}d", .claim, tags: ["t\u{0}1"])
        try await store.write { (tx) throws(LibOSError) in for object in [a, b, c] { try tx.insert(object) } }
        try await store.read { (tx) throws(LibOSError) in
            #expect(try tx.objects(ObjectQuery()) == [a, b, c])
            #expect(try tx.objects(ObjectQuery(limit: 2)) == [a, b])
            #expect(try tx.objects(ObjectQuery(limit: -1)).isEmpty)
            #expect(try tx.objects(ObjectQuery(type: .plan)) == [a, b])
            #expect(try tx.objects(ObjectQuery(tags: ["x", "y"])) == [a])
            #expect(try tx.objects(ObjectQuery(tags: ["a\"b"])) == [b])
            #expect(try tx.objects(ObjectQuery(tags: ["t\u{0}1"])) == [c])
            #expect(try tx.objects(ObjectQuery(tags: ["t\u{0}2"])).isEmpty)
            #expect(try tx.objects(ObjectQuery(tags: Array(repeating: "x", count: 40_000))) == [a, b])
            #expect(try tx.objects(ObjectQuery(text: "Alles")) == [a])
            #expect(try tx.objects(ObjectQuery(text: "alles")).isEmpty)
            #expect(try tx.objects(ObjectQuery(text: "%_")) == [a])
            #expect(try tx.objects(ObjectQuery(text: "\u{0}d")) == [c])
            #expect(try tx.objects(ObjectQuery(name: "c\u{0}d", namespace: "n")) == [c])
            #expect(try tx.objects(ObjectQuery(name: "c")).isEmpty)
            #expect(try tx.objects(ObjectQuery(namespace: "m")).isEmpty)
            #expect(try tx.objects(createdBy: "p").count == 3)
        }
    }

    @Test("a name is taken once in a namespace, and every name there is is found") func names() async throws {
        let first = AgentObject(namespace: "n", name: "a", type: .plan, payload: .null, createdBy: "p", createdAt: Sample.noon)
        var second = first
        second.id = .new()
        var elsewhere = second
        elsewhere.namespace = "m"
        try await store.write { [elsewhere] (tx) throws(LibOSError) in
            try tx.insert(first)
            try tx.insert(elsewhere)
        }
        let refused = await thrown { [second] in try await store.write { (tx) throws(LibOSError) in try tx.insert(second) } }
        #expect(refused?.code == .validation && refused?.message == "the name is taken in the namespace")
        let twice = await thrown { try await store.write { (tx) throws(LibOSError) in try tx.insert(first) } }
        #expect(twice?.code == .validation)
        let moved = await thrown {
            try await store.write { [elsewhere] (tx) throws(LibOSError) in
                var moved = elsewhere
                moved.namespace = "n"
                try tx.update(moved)
            }
        }
        #expect(moved?.code == .validation)
        for (name, parent) in [("a", nil), ("a/b", "a"), ("z", nil)] as [(String, String?)] {
            try await store.write { (tx) throws(LibOSError) in
                try tx.insert(ObjectNamespace(name: name, parent: parent, createdBy: "runtime", createdAt: tx.now))
            }
        }
        try await store.read { (tx) throws(LibOSError) in
            #expect(try tx.namespaces(below: nil).map(\.name) == ["a", "z"])
            #expect(try tx.namespaces(below: "a").map(\.name) == ["a/b"])
        }
        let again = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                try tx.insert(ObjectNamespace(name: "a", parent: nil, createdBy: "runtime", createdAt: tx.now))
            }
        }
        #expect(again?.code == .validation)
    }

    @Test("an object goes with its links") func deletion() async throws {
        let objects = ["a", "b", "c"].map {
            AgentObject(namespace: "n", name: $0, type: .plan, payload: .null, createdBy: "p", createdAt: Sample.noon)
        }
        func link(_ from: Int, _ to: Int) -> ObjectLink {
            ObjectLink(
                source: objects[from].id, relation: .references, destination: objects[to].id, createdBy: .new(), createdAt: Sample.noon)
        }
        let links = [link(0, 1), link(1, 2), link(2, 0)]
        try await store.write { (tx) throws(LibOSError) in
            for object in objects { try tx.insert(object) }
            for link in links { try tx.insert(link) }
            try tx.delete(objects[0].id)
            try tx.delete(objects[0].id)
            #expect(try tx.object(objects[0].id) == nil)
            #expect(try tx.links(from: objects[1].id) == [links[1]])
            #expect(try tx.links(from: objects[2].id).isEmpty)
        }
    }

    @Test("messages are found by every field of a filter, in the order of arrival") func messages() async throws {
        let recipient = ProcessID.new()
        let reply = MessageID.new()
        var all: [ProcessMessage] = []
        all.append(ProcessMessage(sender: "human:owner", recipient: recipient, kind: .interrupt, body: "1", createdAt: Sample.noon))
        all.append(
            ProcessMessage(
                sender: "b", recipient: recipient, channel: "c", correlation: "k", replyTo: reply, body: "2", status: .acked,
                createdAt: Sample.early))
        all.append(ProcessMessage(sender: "b", recipient: .new(), body: "other", createdAt: Sample.noon))
        try await store.write { [all] (tx) throws(LibOSError) in for message in all { try tx.insert(message) } }
        let filters: [(MessageFilter, [Int])] = [
            (MessageFilter(), [0, 1]), (MessageFilter(kind: .interrupt), [0]), (MessageFilter(sender: "b"), [1]),
            (MessageFilter(channel: "c"), [1]), (MessageFilter(correlation: "k"), [1]), (MessageFilter(replyTo: reply), [1]),
            (MessageFilter(ids: []), []), (MessageFilter(ids: [all[1].id, all[2].id]), [1]),
            (MessageFilter(kind: .normal, sender: "x"), []),
        ]
        for (filter, expected) in filters {
            let found = try await store.read { (tx) throws(LibOSError) in
                try tx.messages(for: recipient, status: nil, matching: filter, limit: 10)
            }
            #expect(found == expected.map { all[$0] }, "\(filter)")
            #expect(found == all.filter { $0.recipient == recipient && filter.matches($0) })
        }
        try await store.read { [all] (tx) throws(LibOSError) in
            #expect(try tx.messages(for: recipient, status: .acked, matching: MessageFilter(), limit: 10) == [all[1]])
            #expect(try tx.messages(for: recipient, status: nil, matching: MessageFilter(), limit: 1) == [all[0]])
        }
    }

    @Test("events for one and for everybody, in order, from where the reader stood") func events() async throws {
        let mine = (0..<4).map {
            RuntimeEvent(
                type: .toolCalled, source: "\($0)", target: $0 == 1 ? nil : "pid_a", createdAt: Timestamp(microseconds: Int64(9 - $0)))
        }
        let other = RuntimeEvent(type: .toolCalled, source: "", target: "pid_b", createdAt: Sample.noon)
        try await store.write { (tx) throws(LibOSError) in
            for event in [mine[0], mine[1], other, mine[2], mine[3]] { try tx.append(event) }
        }
        try await store.read { (tx) throws(LibOSError) in
            #expect(try tx.events(for: "pid_a", after: nil, limit: 10) == mine)
            #expect(try tx.events(for: "pid_a", after: mine[0].id, limit: 2) == [mine[1], mine[2]])
            #expect(try tx.events(for: "pid_a", after: other.id, limit: 9) == [mine[2], mine[3]])
            #expect(try tx.events(for: "pid_a", after: mine[3].id, limit: 9).isEmpty)
            #expect(try tx.recentEvents(for: "pid_a", limit: 2) == [mine[2], mine[3]])
            #expect(try tx.recentEvents(for: "pid_b", limit: 9) == [mine[1], other])
            #expect(try tx.recentEvents(for: "pid_b", limit: 0).isEmpty)
        }
        let unknown = await thrown { try await store.read { (tx) throws(LibOSError) in try tx.events(for: "a", after: .new(), limit: 1) } }
        #expect(unknown?.code == .notFound)
    }

    @Test("questions, calls and actions by their state") func states() async throws {
        let process = ProcessID.new()
        var calls: [ToolCallRecord] = []
        for state in [ToolCallRecord.State.intended, .completed, .intended] {
            var call = Sample.bareToolCall()
            (call.process, call.state) = (state == .completed ? process : .new(), state)
            calls.append(call)
        }
        let requests = [HumanRequest.Status.pending, .approved, .pending].map {
            HumanRequest(process: process, content: .output(message: "", channel: ""), status: $0, createdAt: Sample.noon)
        }
        let models = [Sample.bareModelCall(), Sample.modelCall()]
        try await store.write { [calls] (tx) throws(LibOSError) in
            for call in calls { try tx.insert(call) }
            for request in requests { try tx.insert(request) }
            for call in models { try tx.insert(call) }
        }
        try await store.read { [calls] (tx) throws(LibOSError) in
            #expect(try tx.toolCalls(of: nil, state: nil, limit: 9) == calls.reversed())
            #expect(try tx.toolCalls(of: nil, state: .intended, limit: 1) == [calls[2]])
            #expect(try tx.toolCalls(of: process, state: nil, limit: 9) == [calls[1]])
            #expect(try tx.toolCalls(of: process, state: .intended, limit: 9).isEmpty)
            #expect(try tx.humanRequests(status: .pending, process: nil) == [requests[0], requests[2]])
            #expect(try tx.humanRequests(status: nil, process: process) == requests)
            #expect(try tx.humanRequests(status: .approved, process: .new()).isEmpty)
            #expect(try tx.modelCalls(of: nil, limit: 9) == models.reversed())
            #expect(try tx.modelCalls(of: models[0].process, limit: 9) == [models[0]])
        }
    }
}
