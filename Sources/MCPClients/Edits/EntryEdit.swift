internal import StrictJSON

/// Why an entry is left as it is.
package struct EntryRefusal: Error, Sendable, Equatable {
    package var reason: String

    package init(reason: String) { self.reason = reason }
}

/// Sealing an entry of a configuration and opening it again, such that the second gives back every byte that the first found.
///
/// The server's own command moves, spelled as it was, to the front of its arguments:
///
///     "command": "npx",      "args": ["-y", "server"]
///     "command": "glovebox", "args": ["mcp", "run", …, "--", "npx", "-y", "server"]
///
/// An entry without `args` gets a list that begins with a blank, which tells it from one whose list was empty.
package enum EntryEdit {
    /// - Throws: why the entry cannot be sealed by an edit that is certain.
    package static func seal(
        _ entry: ServerEntry, _ seal: SealedCommand.Seal, in configuration: ClientConfiguration
    ) throws(EntryRefusal) -> [TextEdit] {
        let command = try editable(entry)
        if let variable = SealedCommand.treacherousVariable(command.environment)
            ?? SealedCommand.misleadingVariable(command.environment)
        {
            throw EntryRefusal(
                reason:
                    "its `env` sets \(variable), which would act on Glovebox itself; set it with `--env \(variable)=VALUE` in `args` instead"
            )
        }
        let member = command.programMember
        let own = Array(configuration.bytes[member.value.span])
        let words = seal.words.flatMap { literal($0, configuration.layout) + Array(", ".utf8) } + own
        let program = TextEdit(member.value.span, literal(seal.program, configuration.layout))
        guard let arguments = command.argumentsMember else {
            let addition = parting(member, configuration) + key(member, configuration) + Array("[ ".utf8) + words + Array("]".utf8)
            let end = member.value.span.upperBound
            return [program, TextEdit(end..<end, addition)]
        }
        guard let first = arguments.value.list?.first else {
            let start = arguments.value.span.lowerBound + 1
            return [program, TextEdit(start..<start, words)]
        }
        return [program, TextEdit(first.span.lowerBound..<first.span.lowerBound, words + Array(", ".utf8))]
    }

    /// - Throws: why the entry cannot be opened by an edit that is certain.
    package static func open(
        _ entry: ServerEntry, _ sealed: SealedCommand, in configuration: ClientConfiguration
    ) throws(EntryRefusal) -> [TextEdit] {
        let command = try editable(entry)
        guard let arguments = command.argumentsMember, let items = arguments.value.list, sealed.commandIndex < items.count else {
            throw EntryRefusal(reason: "its `args` name no server")
        }
        let bytes = configuration.bytes
        let member = command.programMember
        let program = TextEdit(member.value.span, bytes[items[sealed.commandIndex].span])
        let start = items[0].span.lowerBound
        if sealed.commandIndex + 1 < items.count {
            return [program, TextEdit(start..<items[sealed.commandIndex + 1].span.lowerBound, [])]
        }
        if isOurs(arguments, after: member, configuration) {
            return [program, TextEdit(member.value.span.upperBound..<arguments.value.span.upperBound, [])]
        }
        let end = items[items.count - 1].span.upperBound
        let removal = TextEdit(start..<end, [])
        // A comma after the last item must not stay alone.
        let next = firstSign(from: end, configuration)
        return bytes[next] == UInt8(ascii: ",") ? [program, removal, TextEdit(next..<next + 1, [])] : [program, removal]
    }

    /// The first byte that is neither a blank nor part of a comment, in a list that is known to have an end.
    private static func firstSign(from start: Int, _ configuration: ClientConfiguration) -> Int {
        let bytes = configuration.bytes
        var at = start
        while true {
            if isBlank(bytes[at]) {
                at += 1
            } else if bytes[at] == UInt8(ascii: "#") || bytes[at] == UInt8(ascii: "/") && bytes[at + 1] == UInt8(ascii: "/") {
                while bytes[at] != 0x0A { at += 1 }
            } else if bytes[at] == UInt8(ascii: "/") {
                at += 2
                while bytes[at] != UInt8(ascii: "*") || bytes[at + 1] != UInt8(ascii: "/") { at += 1 }
                at += 2
            } else {
                return at
            }
        }
    }

    private static func editable(_ entry: ServerEntry) throws(EntryRefusal) -> ServerCommand {
        switch entry.transport {
        case .stdio(let command):
            if let obstacle = command.obstacle { throw EntryRefusal(reason: obstacle) }
            return command
        case .remote: throw EntryRefusal(reason: "it runs elsewhere; there is no program here to seal")
        case .unclear(let reason): throw EntryRefusal(reason: reason)
        }
    }

    // MARK: - A list of arguments that was not there

    /// Whether `seal` has made the whole list, and nothing but blanks parts it from the command.
    private static func isOurs(_ arguments: PlacedMember, after member: PlacedMember, _ configuration: ClientConfiguration) -> Bool {
        let start = member.value.span.upperBound
        guard start < arguments.keySpan.lowerBound,
            configuration.bytes[arguments.value.span].starts(with: Array("[ \"".utf8))
        else { return false }
        return configuration.bytes[start..<arguments.keySpan.lowerBound].elementsEqual(parting(member, configuration))
    }

    /// What stands between two members that are written like this one.
    private static func parting(_ member: PlacedMember, _ configuration: ClientConfiguration) -> [UInt8] {
        let comma = member.isInline ? Array(",".utf8) : []
        var start = member.keySpan.lowerBound
        while start > 0, [0x20, 0x09].contains(configuration.bytes[start - 1]) { start -= 1 }
        let indent = configuration.bytes[start..<member.keySpan.lowerBound]
        let isOwnLine = start == 0 || configuration.bytes[start - 1] == 0x0A || start == 3 && configuration.bytes[0] == 0xEF
        guard isOwnLine || !member.isInline else { return Array(", ".utf8) }
        let isWindows = configuration.bytes.firstIndex(of: 0x0A).map { $0 > 0 && configuration.bytes[$0 - 1] == 0x0D } ?? false
        return comma + Array((isWindows ? "\r\n" : "\n").utf8) + indent
    }

    private static func key(_ member: PlacedMember, _ configuration: ClientConfiguration) -> [UInt8] {
        configuration.layout.isTOML
            ? configuration.bytes[member.prefixSpan] + Array("args = ".utf8) : Array("\"args\": ".utf8)
    }

    // MARK: - Spelling

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// A text between double quotes. JSON's escapes are TOML's too, which wants one more.
    static func literal(_ text: String, _ layout: ClientConfiguration.Layout) -> [UInt8] {
        let json = Array(JSONValue.string(text).canonicalText.utf8)
        return layout.isTOML ? json.flatMap { $0 == 0x7F ? Array("\\u007F".utf8) : [$0] } : json
    }
}
