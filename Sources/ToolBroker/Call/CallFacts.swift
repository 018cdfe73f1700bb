internal import LibOSModel
internal import StrictJSON

/// What a person who is asked about a call sees beside its arguments. Gathered by the broker; no words of the tool, and nothing that was
/// looked up in the workspace.
enum CallFacts {
    /// Characters of a preview, and of an argument that is shown as it is.
    private static let previewLength = 256

    static func of(_ plan: PreparedCall.Plan, _ arguments: JSONValue, workingDirectory: String) -> JSONValue {
        var members = [JSONMember("working_directory", .string(workingDirectory))]
        switch plan {
        case .command(let words):
            members += [
                JSONMember("adapter", .string("command")), JSONMember("argv", .strings(words.map(printable))),
                JSONMember("command", .string(printable(words.joined(separator: " ")))),
            ]
        case .channel(_, let descriptors):
            members += [
                JSONMember("adapter", .string("channel")),
                JSONMember(
                    "files",
                    .array(
                        descriptors.map {
                            .object(["name": .string($0.name), "path": .string($0.place.text), "mode": .string($0.mode.rawValue)])
                        })),
            ]
        case .syscall, .file, .bridge: break
        }
        guard case .object(let given) = arguments else { return .object(members) }
        // Apart from the facts: an argument may be called what a fact is called.
        var long: [JSONMember] = []
        for member in given {
            guard case .string(let text) = member.value, text.unicodeScalars.count > previewLength || text.contains("\n") else { continue }
            let head = String(String.UnicodeScalarView(text.unicodeScalars.prefix(previewLength)))
            long.append(
                JSONMember(
                    member.key,
                    .object([
                        "content_bytes": .int(Int64(text.utf8.count)), "content_sha256": .string(SHA256Text.of(text)),
                        "content_preview": .string(printable(head)), "truncated": .bool(text.unicodeScalars.count > previewLength),
                    ])))
        }
        if !long.isEmpty { members.append(JSONMember("long_arguments", .object(long))) }
        return .object(members)
    }
}
