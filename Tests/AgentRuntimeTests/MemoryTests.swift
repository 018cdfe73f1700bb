import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct MemoryTests {
    private func get(_ fixture: RuntimeFixture, _ handle: ObjectHandle, by process: ProcessID) async throws -> AgentObject {
        let origin = fixture.origin(process)
        return try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.get(handle, by: origin, in: transaction)
        }
    }

    @Test("creating: rights of the maker, event, audit, estimate") func create() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (fixed, handle) = try await fixture.create(.string("12345"), by: id)
        #expect(handle.rights == [.read, .link, .diff, .materialize, .delete, .grant] && fixed.version == 1)
        #expect(fixed.name == "observation:\(fixed.id)" && fixed.metadata.tokenEstimate == 2)
        let (_, open) = try await fixture.create(.object([]), by: id, name: "draft", isImmutable: false)
        #expect(open.rights.contains(.write))
        let event = try #require(try await fixture.events(.objectCreated, for: id.text).last)
        #expect(event.payload.keys == ["oid", "namespace", "name", "qualified_name", "type"])
        #expect(event.payload["qualified_name"] == .string("process:\(id)/draft"))
        #expect(try await get(fixture, handle, by: id).payload == .string("12345"))
        #expect(try await fixture.audits("memory.get_object").count == 1)
    }

    @Test("names are unique in a namespace, and namespaces are clean paths") func names() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        _ = try await fixture.create(.null, by: id, name: "a")
        #expect(await code { try await fixture.create(.null, by: id, name: "a") } == .validation)
        for name in ["", " a", "a/b", "a\\b", "a\nb", String(repeating: "x", count: 257)] {
            #expect(await code { try await fixture.create(.null, by: id, name: name) } == .validation, "\(name)")
        }
        for name in ["", "a//b", "../a", "a/./b", "/a", "a/", "a/ b", "process:x", "a*", "a\u{202E}"] {
            #expect(
                await fixture.call("memory.create_namespace", ["namespace": .string(name)], by: id).error?.code == .validation, "\(name)")
        }
        #expect(await fixture.call("memory.create_namespace", ["namespace": .string(" project\\research ")], by: id).error?.code == .denied)
        #expect(await fixture.call("memory.create_namespace", ["namespace": .string("project")], by: id).value != nil)
        #expect(await fixture.call("memory.create_namespace", ["namespace": .string("project")], by: id).error?.code == .validation)
        let below = await fixture.call("memory.create_namespace", ["namespace": .string(" project\\research ")], by: id)
        #expect(below.value == .object(["namespace": .string("project/research"), "parent": .string("project")]))
        _ = try await fixture.create(.null, by: id, name: "a", namespace: "project/research")
        let other = try await fixture.spawn()
        #expect(await fixture.call("memory.create_namespace", ["namespace": .string("project/mine")], by: other).error?.code == .denied)
    }

    @Test("a name is no authority, and who may not look learns nothing") func noOracle() async throws {
        let fixture = try await RuntimeFixture()
        let owner = try await fixture.spawn()
        _ = await fixture.call("memory.create_namespace", ["namespace": .string("shared")], by: owner)
        let (secret, _) = try await fixture.create(.string("key"), by: owner, name: "api_key", namespace: "shared")
        let other = try await fixture.spawn()
        func read(_ name: String) async -> LibOSError? {
            await fixture.call("memory.read_object", ["name": .string(name), "namespace": .string("shared")], by: other).error
        }
        let (there, missing) = (await read("api_key"), await read("nothing"))
        #expect(there?.code == .denied && there == missing)
        #expect(await fixture.call("memory.list_namespace", ["namespace": .string("shared")], by: other).error?.code == .denied)
        let nowhere = await fixture.call("memory.list_namespace", ["namespace": .string("nowhere")], by: other).error
        #expect(nowhere?.code == .denied)
        let (known, unknown) = (
            await fixture.call("memory.read_object", ["oid": .string(secret.id.text)], by: other).error,
            await fixture.call("memory.read_object", ["oid": .string(ObjectID.new().text)], by: other).error
        )
        #expect(known?.code == .denied && unknown?.code == .denied)
        // With the namespace alone the object is still not readable, and is not listed.
        _ = try await fixture.grant(try RuntimeFixture.terms("object_namespace:shared", [.read]), to: other)
        #expect(await read("api_key")?.code == .denied)
        #expect(await read("nothing")?.code == .notFound)
        let listing = await fixture.call("memory.list_namespace", ["namespace": .string("shared")], by: other)
        #expect(listing.value?["objects"] == .array([]))
        _ = try await fixture.grant(try RuntimeFixture.terms("object:\(secret.id)", [.read]), to: other)
        #expect(await read("api_key") == nil)
    }

    @Test("updates: write, mutable, null is a payload, moves need both namespaces") func update() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let origin = fixture.origin(id)
        let (fixed, _) = try await fixture.create(.int(1), by: id)
        let capability = try await fixture.grant(try RuntimeFixture.terms("object:\(fixed.id)", [.write]), to: id)
        let forged = ObjectHandle(object: fixed.id, rights: [.write], capability: capability.id)
        @Sendable func update(_ handle: ObjectHandle, _ patch: ObjectPatch) async throws -> AgentObject {
            try await fixture.write { transaction throws(LibOSError) in
                try fixture.runtime.memory.update(handle, with: patch, by: origin, in: transaction)
            }
        }
        #expect(await code { try await update(forged, ObjectPatch(payload: .int(2))) } == .denied)
        let (_, handle) = try await fixture.create(.int(1), by: id, name: "n", isImmutable: false)
        let unchanged = try await update(handle, ObjectPatch(metadata: ObjectMetadata(title: "t")))
        #expect(unchanged.payload == .int(1) && unchanged.version == 2 && unchanged.metadata.tokenEstimate == 1)
        #expect(try await update(handle, ObjectPatch(payload: .null)).payload == .null)
        var readOnly = handle
        readOnly.rights = [.read]
        #expect(await code { try await update(readOnly, ObjectPatch(payload: .int(3))) } == .denied)
        _ = try await fixture.create(.int(1), by: id, name: "taken")
        #expect(await code { try await update(handle, ObjectPatch(name: "taken")) } == .validation)
        #expect(await code { try await update(handle, ObjectPatch(namespace: "elsewhere")) } == .denied)
        _ = await fixture.call("memory.create_namespace", ["namespace": .string("elsewhere")], by: id)
        let moved = try await update(handle, ObjectPatch(name: "m", namespace: "elsewhere"))
        #expect(moved.qualifiedName == "elsewhere/m")
        #expect(try await fixture.events(.objectUpdated, for: id.text).count == 3)
    }

    @Test("a handle ends with its rights, its time, its record and its holder") func handles() async throws {
        let fixture = try await RuntimeFixture()
        let (owner, other) = (try await fixture.spawn(), try await fixture.spawn())
        let (object, handle) = try await fixture.create(.int(1), by: owner)
        var short = handle
        short.expiresAt = fixture.clock.now().adding(seconds: 5)
        #expect(try await get(fixture, short, by: owner).id == object.id)
        fixture.clock.advance(seconds: 5)
        #expect(await code { try await get(fixture, short, by: owner) } == .denied)
        #expect(await code { try await get(fixture, handle, by: other) } == .denied)
        var narrow = handle
        narrow.rights = [.materialize]
        #expect(await code { try await get(fixture, narrow, by: owner) } == .denied)
        let (second, _) = try await fixture.create(.int(2), by: owner)
        #expect(
            await code {
                try await get(fixture, ObjectHandle(object: second.id, rights: [.read], capability: handle.capability), by: owner)
            } == .denied)
        let dated = try await fixture.grant(
            try RuntimeFixture.terms("object:\(object.id)", [.read], expiresAt: fixture.clock.now().adding(seconds: 1)), to: other)
        let lent = ObjectHandle(object: object.id, rights: [.read], capability: dated.id)
        #expect(try await get(fixture, lent, by: other).id == object.id)
        fixture.clock.advance(seconds: 1)
        #expect(await code { try await get(fixture, lent, by: other) } == .denied)
        // A later deny decides over the handle.
        _ = try await fixture.grant(try RuntimeFixture.terms("object:\(object.id)", [.read], effect: .deny), to: owner)
        #expect(await code { try await get(fixture, handle, by: owner) } == .denied)
    }

    @Test("one-shot stays one-shot, and a failed try uses nothing") func oneShots() async throws {
        let fixture = try await RuntimeFixture()
        let (owner, other) = (try await fixture.spawn(), try await fixture.spawn())
        let (object, _) = try await fixture.create(.int(1), by: owner)
        let record = try await fixture.grant(try RuntimeFixture.terms("object:\(object.id)", [.read], uses: 1), to: other)
        let origin = fixture.origin(other)
        let handle = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.handle(to: object.id, rights: [.read], for: origin, in: transaction)
        }
        #expect(handle.capability == record.id)
        let outcome = await fixture.call("memory.append_object", ["oid": .string(object.id.text), "item": .int(1)], by: other)
        #expect(outcome.error?.code == .denied)
        let uses = try await fixture.read { store throws(LibOSError) in try store.capability(record.id)?.usesRemaining }
        #expect(uses == 1)
        #expect(try await get(fixture, handle, by: other).id == object.id)
        #expect(await code { try await get(fixture, handle, by: other) } == .denied)
        let spent = try await fixture.read { store throws(LibOSError) in try store.capability(record.id)?.status }
        #expect(spent == .consumed)
    }

    @Test("a view cannot hand out what its owner does not hold") func attenuation() async throws {
        let fixture = try await RuntimeFixture()
        let (owner, parent) = (try await fixture.spawn(), try await fixture.spawn())
        let (object, _) = try await fixture.create(.int(1), by: owner, isImmutable: false)
        let (private_, _) = try await fixture.create(.int(2), by: owner)
        let shared = try await fixture.grant(try RuntimeFixture.terms("object:\(object.id)", [.read], isDelegable: true), to: parent)
        let kept = try await fixture.grant(try RuntimeFixture.terms("object:\(private_.id)", [.read]), to: parent)
        let origin = fixture.origin(parent)
        let child = try await fixture.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(parent)
            // Handles that claim more than the records behind them.
            process.see(ObjectHandle(object: object.id, rights: Set(ObjectRight.allCases), capability: shared.id))
            process.see(ObjectHandle(object: private_.id, rights: [.read], capability: kept.id))
            try transaction.update(process)
            return try fixture.runtime.processes.fork(
                ChildRequest(goal: .standard), mode: .copy, view: MemoryViewSpec(rights: Set(ObjectRight.allCases)), by: origin,
                in: transaction)
        }
        let roots = try #require(child.view?.roots)
        #expect(roots.first { $0.object == object.id }?.rights == [.read])
        #expect(!roots.contains { $0.object == private_.id })
        let omitted = try #require(try await fixture.audits("memory.fork_view").first).entry.decision["omitted"]
        #expect(omitted == .array([.string(private_.id.text)]))
        // The child's authority falls with the parent's.
        try await fixture.write { transaction throws(LibOSError) in
            _ = try fixture.runtime.authority.broker.revoke(shared.id, by: .runtime("test"), in: transaction)
        }
        let handle = try #require(roots.first { $0.object == object.id })
        #expect(await code { try await get(fixture, handle, by: child.id) } == .denied)
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.processes.fork(
                        ChildRequest(goal: .standard), view: MemoryViewSpec(roots: [ObjectID.new()]), by: origin, in: transaction)
                }
            } == .denied)
    }

    @Test("a query gives handles that read and nothing else, and leaves out what may not be read") func query() async throws {
        let fixture = try await RuntimeFixture()
        let (owner, other) = (try await fixture.spawn(), try await fixture.spawn())
        let (open, _) = try await fixture.create(.int(1), by: owner, type: .evidence)
        _ = try await fixture.create(.int(2), by: owner, type: .evidence)
        _ = try await fixture.grant(try RuntimeFixture.terms("object_namespace:process:\(owner)", [.read]), to: other)
        _ = try await fixture.grant(try RuntimeFixture.terms("object:\(open.id)", [.read]), to: other)
        let origin = fixture.origin(other)
        let before = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: other).count }
        let hits = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.query(ObjectQuery(type: .evidence, namespace: "process:\(owner)"), by: origin, in: transaction)
        }
        #expect(hits.map(\.object.id) == [open.id] && hits[0].handle.rights == [.read])
        let after = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: other).count }
        #expect(before == after)
        let mine = fixture.origin(owner)
        let limited = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.query(ObjectQuery(type: .evidence, limit: 1), by: mine, in: transaction)
        }
        #expect(limited.count == 1)
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.memory.query(ObjectQuery(limit: 0), by: mine, in: transaction)
                }
            } == .validation)
    }

    @Test("links need link on one side and read on the other; views and names leave their records") func linksAndViews() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let origin = fixture.origin(id)
        let (from, source) = try await fixture.create(.int(1), by: id, name: "from")
        let (to, destination) = try await fixture.create(.int(2), by: id)
        let link = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.link(source, .supportedBy, destination, by: origin, in: transaction)
        }
        #expect(link.source == from.id && link.destination == to.id)
        #expect(try await fixture.events(.objectLinked, for: id.text).first?.payload.keys == ["src", "relation", "dst"])
        var weak = source
        weak.rights = [.read]
        let unlinkable = weak
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.memory.link(unlinkable, .references, destination, by: origin, in: transaction)
                }
            } == .denied)
        try await fixture.write { transaction throws(LibOSError) in
            let view = try fixture.runtime.memory.createView(of: [source], mode: .readOnly, by: origin, in: transaction)
            try fixture.runtime.memory.snapshotView(view, by: origin, in: transaction)
            let handle = try fixture.runtime.memory.handle(named: "from", in: nil, rights: [.read, .link], for: origin, in: transaction)
            #expect(handle.capability == source.capability && handle.rights == [.read, .link])
            let namespace = try fixture.runtime.memory.namespace("process:\(id)", by: origin, in: transaction)
            #expect(namespace.createdBy == "runtime")
        }
        for action in [
            "memory.create_view", "memory.snapshot_view", "memory.handle_for_name", "memory.get_namespace", "memory.link_objects",
        ] {
            #expect(try await fixture.audits(action).count == 1, "\(action)")
        }
    }
}
