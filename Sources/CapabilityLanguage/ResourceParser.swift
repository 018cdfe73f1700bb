internal import StrictJSON

/// A text that is no resource, right or action; the caller adds where it stands.
package struct ResourceProblem: Error, Sendable, Equatable {
    package var message: String
    package var mend: String

    package init(_ message: String, mend: String) {
        self.message = message
        self.mend = mend
    }
}

extension Resource {
    /// Bytes of a whole resource text: PATH_MAX.
    package static let longestText = 4096
    /// Bytes of one path component: NAME_MAX.
    package static let longestName = 255

    /// Reads `kind:body`. A `filesystem` path names itself and, when it is a directory, everything below; `/*` at its end says
    /// the same. A program by its bare name covers that name in every directory.
    package static func parse(_ text: String) throws(ResourceProblem) -> Resource {
        let isPlain = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
        if !isPlain { try refuseMisleadingText(text) }
        if text.utf8.count > longestText {
            throw ResourceProblem("the resource is longer than \(longestText) bytes", mend: "name a shorter path")
        }
        if text == "*" { throw ResourceProblem("a bare `*` names everything and therefore nothing", mend: "write kind:body") }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw ResourceProblem("`\(text)` is no resource", mend: "write kind:body, for example filesystem:workspace:src")
        }
        let word = String(text[..<colon])
        let body = String(text[text.utf8.index(after: colon)...])
        guard let kind = ResourceKind(rawValue: word) else {
            throw ResourceProblem(
                "`\(word)` is not a kind of resource", mend: NearestWord.mend(for: word, among: ResourceKind.allCases.map(\.rawValue)))
        }
        if body.isEmpty { throw ResourceProblem("`\(text)` names nothing after the colon", mend: "write kind:body") }
        switch kind {
        case .filesystem: return try parseFile(body)
        case .device: return try parseDevice(body)
        case .shell: return try parseProgram(body)
        case .network: return try parseNetwork(body)
        case .environment: return try parseWord(kind, body, what: "a variable name", isEnvironmentName)
        case .syscall: return try parseWord(kind, body, what: "a system call or @group", isSyscallName)
        case .process: return try parseWord(kind, body, what: "`spawn` or a process id") { $0 == "spawn" || isIdentifier($0) }
        case .secret: return try parseWord(kind, body, what: "a secret's name", isIdentifier)
        default: return try parseRuntime(kind, body)
        }
    }

    /// Characters that people would not see, or see as something else. Printable ASCII has none.
    private static func refuseMisleadingText(_ text: String) throws(ResourceProblem) {
        if let scalar = text.unicodeScalars.first(where: isDangerousToPrint) {
            throw ResourceProblem(
                "the resource holds the character U+" + String(scalar.value, radix: 16, uppercase: true), mend: "remove it")
        }
        // `/` with a combining mark is a separator for this reader and the kernel, and none for what splits by characters.
        if let character = text.first(where: combinesWithPunctuation) {
            throw ResourceProblem("the resource holds a mark that combines with `\(character)`", mend: "remove it")
        }
    }

    /// One resource without a pattern: what an example or a tool call acts on.
    package static func parseAction(_ text: String) throws(ResourceProblem) -> Resource {
        var resource = try parse(text)
        if text.hasSuffix("*") { throw ResourceProblem("`\(text)` is a pattern", mend: "name one resource") }
        if resource.kind == .filesystem { resource.extent = .exact }
        return resource
    }

    private static func parseFile(_ body: String) throws(ResourceProblem) -> Resource {
        let space = String(decoding: body.utf8.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
        let isHost = space == "host"
        guard isHost || space == "workspace", space.utf8.count < body.utf8.count else {
            throw ResourceProblem(
                "`filesystem:\(body)` names no space", mend: "write filesystem:workspace:<path> or filesystem:host:</path>")
        }
        var mend: String {
            isHost
                ? "paths of the host are absolute: filesystem:host:/usr"
                : "paths in the workspace are relative: filesystem:workspace:src"
        }
        let path = String(decoding: body.utf8.dropFirst(space.utf8.count + 1), as: UTF8.self)
        if path.isEmpty { throw ResourceProblem("the path is empty", mend: mend) }
        if path == "*" { return Resource(kind: .filesystem, parts: [space], extent: .tree) }
        if path.hasPrefix("/") != isHost {
            throw ResourceProblem("`\(path)` is \(isHost ? "relative" : "absolute")", mend: mend)
        }
        return Resource(kind: .filesystem, parts: [space] + (try components(path)), extent: .tree)
    }

    private static func parseDevice(_ body: String) throws(ResourceProblem) -> Resource {
        if body == "*" { return Resource(kind: .device, parts: [], extent: .members) }
        guard body.hasPrefix("/dev/") else {
            throw ResourceProblem("`\(body)` is no device path", mend: "write device:/dev/<name>")
        }
        let isTree = body.hasSuffix("/*")
        return Resource(kind: .device, parts: try components(body), extent: isTree ? .tree : .exact)
    }

    private static func parseProgram(_ body: String) throws(ResourceProblem) -> Resource {
        if body == "*" { return Resource(kind: .shell, parts: [], extent: .members) }
        if body.hasPrefix("/") {
            if body.hasSuffix("/*") { throw ResourceProblem("`\(body)` is no program", mend: "name one program") }
            let path = try components(body)
            guard let name = path.last else { throw ResourceProblem("`/` is no program", mend: "name one program") }
            return Resource(kind: .shell, parts: [name, "/" + path.joined(separator: "/")], extent: .exact)
        }
        if body.utf8.contains(UInt8(ascii: "/")) {
            throw ResourceProblem("`\(body)` is a relative path", mend: "write a bare name or an absolute path")
        }
        if body.utf8.contains(UInt8(ascii: " ")) {
            throw ResourceProblem("`\(body)` holds a space", mend: "name the program alone: shell:git")
        }
        return Resource(kind: .shell, parts: try components(body), extent: .tree)
    }

    private static func parseNetwork(_ body: String) throws(ResourceProblem) -> Resource {
        if body == "*" { return Resource(kind: .network, parts: [], extent: .members) }
        if body == "loopback" { return Resource(kind: .network, parts: ["loopback"], extent: .exact) }
        if body.hasPrefix("listen:") {
            let port = String(body.dropFirst(7))
            if port == "*" { return Resource(kind: .network, parts: ["listen"], extent: .members) }
            return Resource(kind: .network, parts: ["listen", try portText(port)], extent: .exact)
        }
        guard body.hasPrefix("tcp:") else {
            throw ResourceProblem(
                "`network:\(body)` is not known", mend: "write network:tcp:<host>:<port>, network:listen:<port> or network:loopback")
        }
        let rest = String(body.dropFirst(4))
        if rest == "*" { return Resource(kind: .network, parts: ["tcp"], extent: .members) }
        guard let colon = rest.lastIndex(of: ":") else {
            throw ResourceProblem("`\(rest)` has no port", mend: "write network:tcp:<host>:<port>, or :* for every port")
        }
        let host = try NetworkHost.canonical(String(rest[..<colon]))
        let port = String(rest[rest.index(after: colon)...])
        if port == "*" { return Resource(kind: .network, parts: ["tcp", host], extent: .members) }
        return Resource(kind: .network, parts: ["tcp", host, try portText(port)], extent: .exact)
    }

    private static func parseWord(
        _ kind: ResourceKind, _ body: String, what: String, _ accepts: (String) -> Bool
    ) throws(ResourceProblem) -> Resource {
        if body == "*" { return Resource(kind: kind, parts: [], extent: .members) }
        guard accepts(body) else {
            throw ResourceProblem("`\(body)` is not \(what)", mend: "write \(kind.rawValue):<name> without patterns")
        }
        return Resource(kind: kind, parts: [body], extent: .exact)
    }

    /// `kind:a:b/c`, ending in `:*` or `/*` when it is a pattern.
    private static func parseRuntime(_ kind: ResourceKind, _ body: String) throws(ResourceProblem) -> Resource {
        if body == "*" { return Resource(kind: kind, parts: [], extent: .members) }
        var rest = Substring(body)
        var extent = Extent.exact
        if rest.hasSuffix("/*") { (rest, extent) = (rest.dropLast(2), .tree) }
        if rest.hasSuffix(":*") { (rest, extent) = (rest.dropLast(2), .members) }
        var parts: [String] = []
        var part = ""
        for character in rest {
            if character == "*" { throw ResourceProblem("a star stands inside `\(body)`", mend: "only a last `:*` or `/*` is a pattern") }
            if character == ":" || character == "/" {
                try checkComponent(String(part.drop { $0 == ":" || $0 == "/" }), in: body)
                parts.append(part)
                part = ""
            }
            part.append(character)
        }
        try checkComponent(String(part.drop { $0 == ":" || $0 == "/" }), in: body)
        return Resource(kind: kind, parts: parts + [part], extent: extent)
    }

    /// Splits a path; repeated and final slashes and a final `/*` say nothing of their own.
    package static func components(_ path: String) throws(ResourceProblem) -> [String] {
        let bytes = path.hasSuffix("/*") ? path.utf8.dropLast(2) : path.utf8[...]
        var result: [String] = []
        for component in bytes.split(separator: UInt8(ascii: "/")) {
            let name = String(decoding: component, as: UTF8.self)
            try checkComponent(name, in: path)
            result.append(name)
        }
        return result
    }

    private static func checkComponent(_ name: String, in whole: String) throws(ResourceProblem) {
        if name.isEmpty { throw ResourceProblem("`\(whole)` has an empty part", mend: "remove the extra separator") }
        if name == "." || name == ".." {
            throw ResourceProblem("`\(whole)` holds `\(name)`", mend: "write the path that it leads to")
        }
        if name.utf8.contains(UInt8(ascii: "*")) {
            throw ResourceProblem("a star stands inside `\(whole)`", mend: "name each path; only a last `/*` is a pattern")
        }
        if name.utf8.count > longestName {
            throw ResourceProblem("a part of `\(whole)` is longer than \(longestName) bytes", mend: "no file name is that long")
        }
    }

    private static func portText(_ text: String) throws(ResourceProblem) -> String {
        guard let port = UInt16(text), port > 0, String(port) == text else {
            throw ResourceProblem("`\(text)` is no port", mend: "write 1 to 65535, or * for every port")
        }
        return text
    }

    package static func isEnvironmentName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !isDigit(first), text.utf8.count <= longestName else { return false }
        return text.utf8.allSatisfy { isDigit($0) || isLower($0) || (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_") }
    }

    package static func isSyscallName(_ text: String) -> Bool {
        let name = text.utf8.first == UInt8(ascii: "@") ? text.utf8.dropFirst() : text.utf8[...]
        return !name.isEmpty && name.count <= 64
            && name.allSatisfy { isDigit($0) || isLower($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }

    package static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { isDigit($0) || isLower($0) || (0x41...0x5A).contains($0) || "_-.".utf8.contains($0) }
    }

    private static func combinesWithPunctuation(_ character: Character) -> Bool {
        guard character.unicodeScalars.count > 1, let first = character.unicodeScalars.first else { return false }
        return first.isASCII && !isIdentifier(String(first)) || first == "." || first == "-"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
}
