import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

/// Values that grow are made into text part by part, and the text is always the one that the whole value has.
struct EncodedPiecesTests {
    private func entry(_ number: Int) -> JSONValue {
        .object(["kind": .string("k\(number)"), "content": .string(String(repeating: "line \(number)\n", count: number % 17))])
    }

    @Test("a value that grows, shrinks and changes has the text of a value that is new") func growing() throws {
        let pieces = EncodedPieces()
        var entries: [JSONValue] = []
        var facts: [JSONMember] = []
        for round in 0..<200 {
            entries.append(entry(round))
            if round % 13 == 12 { entries.removeFirst(5) }
            if round % 7 == 6 { entries[entries.count / 2] = entry(1_000 + round) }
            facts.append(JSONMember("fact \(round * 7919 % 101) \(round)", entry(round)))
            if round % 11 == 10 { facts[round / 2].value = .int(Int64(round)) }
            let value = JSONValue.object(["z": .string("\(round)"), "entries": .array(entries), "facts": .object(facts), "a": .double(1)])
            #expect(try String(decoding: pieces.bytes(of: value, at: "one"), as: UTF8.self) == StoredJSON.text(of: value))
            // Another place knows nothing of the first, and values of other shapes are no trouble.
            let other: JSONValue = round % 2 == 0 ? .array(entries) : .object(["facts": .array([]), "e": .object([]), "n": .null])
            #expect(try String(decoding: pieces.bytes(of: other, at: "two"), as: UTF8.self) == StoredJSON.text(of: other))
        }
    }

    @Test("little room changes no text") func crowded() throws {
        let pieces = EncodedPieces(room: 4_000)
        for round in 0..<60 {
            let value = JSONValue.object(["entries": .array((0..<round).map(entry))])
            #expect(try String(decoding: pieces.bytes(of: value, at: "\(round % 3)"), as: UTF8.self) == StoredJSON.text(of: value))
        }
    }

    @Test("what cannot be stored is refused, at every depth") func refused() throws {
        func nested(_ depth: Int) -> JSONValue { (0..<depth).reduce(JSONValue.int(1)) { value, _ in .array([value]) } }
        let twice = JSONValue.object([JSONMember("k", .int(1)), JSONMember("k", .int(2))])
        let values: [JSONValue] = [
            twice, .object(["a": twice]), .object(["a": .array([twice])]), .object(["a": .object(["b": twice])]),
            .object(["a": .array([.double(.nan)])]), .object(["a": nested(StoredJSON.deepest)]),
            .object(["a": .object(["b": nested(StoredJSON.deepest - 1)])]),
        ]
        for value in values {
            #expect(throws: LibOSError.self) { try StoredJSON.text(of: value) }
            #expect(throws: LibOSError.self) { try EncodedPieces().bytes(of: value, at: "x") }
        }
        let deepest = JSONValue.object(["a": .object(["b": nested(StoredJSON.deepest - 2)]), "c": nested(StoredJSON.deepest - 1)])
        #expect(try String(decoding: EncodedPieces().bytes(of: deepest, at: "x"), as: UTF8.self) == StoredJSON.text(of: deepest))
    }

    @Test("an object that changes is stored as it is, also after a change that was undone") func stored() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        var object = AgentObject(
            namespace: "n", type: .processState, payload: .object(["entries": .array([entry(20)])]), isImmutable: false, createdBy: "t",
            createdAt: Sample.noon)
        let first = object
        try await store.write { (tx) throws(LibOSError) in try tx.insert(first) }
        object.payload = .object(["entries": .array([entry(20), entry(21)])])
        let undone = object
        _ = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                try tx.update(undone)
                throw LibOSError(.denied, "no")
            }
        }
        func payload() async throws -> JSONValue? {
            try await store.read { (tx) throws(LibOSError) in try tx.object(first.id)?.payload }
        }
        #expect(try await payload()?.canonicalText == first.payload.canonicalText)
        object.payload = .object(["entries": .array([entry(20), entry(21), entry(22)])])
        let changed = object
        try await store.write { (tx) throws(LibOSError) in try tx.update(changed) }
        #expect(try await payload()?.canonicalText == changed.payload.canonicalText)
    }
}
