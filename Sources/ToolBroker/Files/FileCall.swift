package import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// One `filesystem.*` call, read and checked, before anything was looked at: what it needs, and what a person is told of it.
package struct FileCall: Sendable, Equatable {
    package enum Operation: Sendable, Equatable {
        case readText(offset: UInt64, most: Int)
        case writeText(bytes: [UInt8], mayOverwrite: Bool)
        case readDirectory(most: Int)
        case writeDirectory(mayExist: Bool)
        case deleteFile
        case deleteDirectory(recursive: Bool)
    }

    package var operation: Operation
    package var place: WorkspacePath

    /// The word of the reference.
    package var name: String {
        switch operation {
        case .readText: "read_text"
        case .writeText: "write_text"
        case .readDirectory: "read_directory"
        case .writeDirectory: "write_directory"
        case .deleteFile: "delete_file"
        case .deleteDirectory: "delete_directory"
        }
    }

    package var right: CapabilityRight {
        switch operation {
        case .readText, .readDirectory: .read
        case .writeText, .writeDirectory: .write
        case .deleteFile, .deleteDirectory: .delete
        }
    }

    /// Whether the workspace is changed: an intent must then be on disk before.
    package var hasEffect: Bool { right != .read }

    package var need: NeededRight {
        var resource = place.resource
        if case .deleteDirectory(true) = operation { resource.extent = .tree }
        return NeededRight(resource: resource, rights: [right])
    }

    /// Reads a libOS call. Its arguments come from a model or a worker: nothing that is not named here is let through.
    package static func read(_ syscall: Syscall, workingDirectory: String) throws(LibOSError) -> FileCall {
        guard let schema = schemas[syscall.name] else { throw LibOSError(.notFound, "there is no libOS call `\(printable(syscall.name))`") }
        let problems = schema.problems(with: syscall.arguments)
        if !problems.isEmpty {
            throw LibOSError(
                .validation, "the arguments of \(syscall.name) are wrong: " + problems.map(\.description).joined(separator: "; "))
        }
        let arguments = schema.withDefaults(syscall.arguments)
        let place = try WorkspacePath.of(arguments.member("path")?.text ?? "", in: workingDirectory)
        func flag(_ name: String) -> Bool { arguments.member(name) == .bool(true) }
        func count(_ name: String) -> Int { arguments.member(name)?.whole ?? 0 }
        let operation: Operation
        switch syscall.name {
        case "filesystem.read_text": operation = .readText(offset: UInt64(count("offset")), most: count("max_bytes"))
        case "filesystem.write_text":
            operation = .writeText(bytes: Array((arguments.member("text")?.text ?? "").utf8), mayOverwrite: flag("overwrite"))
        case "filesystem.read_directory": operation = .readDirectory(most: count("max_entries"))
        case "filesystem.write_directory": operation = .writeDirectory(mayExist: flag("exist_ok"))
        case "filesystem.delete_file": operation = .deleteFile
        default: operation = .deleteDirectory(recursive: flag("recursive"))
        }
        return FileCall(operation: operation, place: place)
    }

    private static let schemas: [String: JSONSchema] = {
        let path = #""path": {"type": "string"}"#
        let texts = [
            "filesystem.read_text": """
            {\(path), "offset": {"type": "integer", "minimum": 0, "default": 0},
             "max_bytes": {"type": "integer", "minimum": 1, "maximum": \(WorkspaceFiles.longestRead), "default": \(WorkspaceFiles.standardRead)}}
            """,
            "filesystem.write_text": """
            {\(path), "text": {"type": "string"}, "overwrite": {"type": "boolean", "default": true}}
            """,
            "filesystem.read_directory": """
            {\(path), "max_entries": {"type": "integer", "minimum": 1, "maximum": \(WorkspaceFiles.longestListing),
             "default": \(WorkspaceFiles.standardListing)}}
            """,
            "filesystem.write_directory": #"{\#(path), "exist_ok": {"type": "boolean", "default": true}}"#,
            "filesystem.delete_file": "{\(path)}",
            "filesystem.delete_directory": #"{\#(path), "recursive": {"type": "boolean", "default": false}}"#,
        ]
        var result: [String: JSONSchema] = [:]
        for (name, properties) in texts {
            let required = name == "filesystem.write_text" ? #"["path", "text"]"# : #"["path"]"#
            let text = #"{"type": "object", "additionalProperties": false, "required": \#(required), "properties": \#(properties)}"#
            guard let document = try? JSONDocument.read(Array(text.utf8), bounds: ToolManifest.bounds),
                let schema = try? JSONSchema.compile(document.value)
            else { preconditionFailure("the schema of \(name) is no schema") }
            result[name] = schema
        }
        return result
    }()

    // MARK: - For people

    /// Characters of a preview.
    private static let previewLength = 256

    /// What a person who is asked sees beside the arguments. Nothing of it was looked up in the workspace: whether something exists
    /// is not told to whoever may not read it.
    package var facts: JSONValue {
        var members = [
            JSONMember("adapter", .string("filesystem")), JSONMember("operation", .string(name)), JSONMember("path", .string(place.text)),
            JSONMember("right", .string(right.rawValue)),
        ]
        if case .writeText(let bytes, let mayOverwrite) = operation {
            let text = String(decoding: bytes, as: UTF8.self)
            let preview = text.unicodeScalars.prefix(Self.previewLength)
            members += [
                JSONMember("overwrite", .bool(mayOverwrite)), JSONMember("content_bytes", .int(Int64(bytes.count))),
                JSONMember("content_sha256", .string(SHA256Text.of(bytes))),
                JSONMember("content_preview", .string(printable(String(String.UnicodeScalarView(preview))))),
                JSONMember("truncated", .bool(text.unicodeScalars.count > Self.previewLength)),
            ]
        }
        if case .deleteDirectory(let recursive) = operation { members.append(JSONMember("recursive", .bool(recursive))) }
        return .object(members)
    }
}

extension JSONValue {
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var whole: Int? {
        switch self {
        case .int(let number): Int(number)
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }
}
