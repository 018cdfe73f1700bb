package import LibOSModel
package import StrictJSON

/// What a done `filesystem.*` call gives back, and what the records keep of it.
package struct FileEffect: Sendable, Equatable {
    package var value: JSONValue
    /// Facts of the event `external_read` or `external_write`, beside adapter, operation and path.
    package var facts: [JSONMember]
}

extension FileCall {
    /// Does it. Authority has been decided; blocks.
    /// - Parameter inner: what a recursive deletion was decided for, children before their parents. Anything else in the directory
    ///   keeps it from being deleted.
    package func perform(in files: WorkspaceFiles, deleting inner: [WorkspacePath] = []) throws(LibOSError) -> FileEffect {
        let path = JSONMember("path", .string(place.text))
        switch operation {
        case .readText(let offset, let most):
            let contents = try files.read(place, from: offset, most: most)
            let text = try TextPiece.of(contents.bytes, isCut: contents.isCut, name: place.text)
            let size = JSONMember("size_bytes", .unsigned(contents.size))
            return FileEffect(
                value: .object([
                    path, JSONMember("text", .string(text.text)), size, JSONMember("read_bytes", .int(Int64(text.bytes))),
                    JSONMember("truncated", .bool(contents.isCut || text.bytes < contents.bytes.count)),
                ]),
                facts: [size, JSONMember("read_bytes", .int(Int64(text.bytes)))])
        case .writeText(let bytes, let mayOverwrite):
            let replaced = try files.write(bytes, to: place, mayOverwrite: mayOverwrite)
            let facts = [
                JSONMember("written_bytes", .int(Int64(bytes.count))), JSONMember("content_sha256", .string(SHA256Text.of(bytes))),
                JSONMember("created", .bool(replaced.previous == nil)),
            ]
            return FileEffect(value: .object([path] + facts), facts: facts)
        case .readDirectory(let most):
            let (entries, isCut) = try files.list(place, most: most)
            let items = entries.map { entry in
                JSONValue.object([
                    "name": .string(entry.name), "kind": .string(entry.kind), "size_bytes": .unsigned(entry.size),
                ])
            }
            return FileEffect(
                value: .object([path, JSONMember("entries", .array(items)), JSONMember("truncated", .bool(isCut))]),
                facts: [JSONMember("entries", .int(Int64(entries.count)))])
        case .writeDirectory(let mayExist):
            let created = JSONMember("created", .bool(try files.makeDirectory(place, mayExist: mayExist)))
            return FileEffect(value: .object([path, created]), facts: [created])
        case .deleteFile:
            try files.deleteFile(place)
            return FileEffect(value: .object([path, JSONMember("deleted", .int(1))]), facts: [JSONMember("deleted", .int(1))])
        case .deleteDirectory:
            try files.deleteDirectory(place, contents: inner)
            let deleted = JSONMember("deleted", .int(Int64(inner.count + 1)))
            return FileEffect(value: .object([path, deleted]), facts: [deleted])
        }
    }

    /// The event of a done call.
    package var eventType: EventType { hasEffect ? .externalWrite : .externalRead }

    package func eventPayload(_ facts: [JSONMember]) -> JSONValue {
        .object(
            [
                JSONMember("adapter", .string("filesystem")), JSONMember("operation", .string(name)),
                JSONMember("path", .string(place.text)),
            ] + facts)
    }
}

/// A piece of a file as text. A character that the cut went through is left for the next piece.
enum TextPiece {
    static func of(_ bytes: [UInt8], isCut: Bool, name: String) throws(LibOSError) -> (text: String, bytes: Int) {
        for dropped in 0...3 where dropped == 0 || isCut && dropped < bytes.count {
            if let text = String(validating: bytes.dropLast(dropped), as: UTF8.self), !text.utf8.contains(0) {
                return (text, bytes.count - dropped)
            }
        }
        throw LibOSError(.validation, "\(printable(name)) is no UTF-8 text", mend: "this tool reads text only")
    }
}
