/// A command line taken apart as far as that can be done without a shell: plain words, quotes, `;`, `&&`, `||`, `|`, `&` and files
/// that are read from and written to. Everything that a shell would first have to work out makes it unclear.
struct ShellLine: Sendable, Equatable {
    struct Redirection: Sendable, Equatable {
        var path: String
        var writes: Bool
    }

    var commands: [[String]] = []
    var redirections: [Redirection] = []
    /// Why it cannot be said for certain what the line does; nil when it can.
    var unclear: String?

    private static let longest = 65_536
    /// Words that stand where a program would and are none.
    private static let keywords: Set<String> = [
        "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select", "coproc", "!",
        "{", "}", "[[", "]]", "((", "in", "time",
    ]

    init(_ text: String) {
        var parser = ShellLineParser(bytes: Array(text.utf8.prefix(Self.longest)))
        parser.read()
        commands = parser.commands.filter { !$0.isEmpty }
        redirections = parser.redirections
        unclear = text.utf8.count > Self.longest ? "the command is very long" : parser.unclear
        for index in commands.indices {
            let words = commands[index].drop { $0.contains("=") }
            if words.count < commands[index].count {
                unclear = unclear ?? "it sets a variable"
                commands[index] = Array(words)
            }
            if let first = words.first, Self.keywords.contains(first) { unclear = unclear ?? "`\(first)` is the shell's own" }
        }
        commands.removeAll(where: \.isEmpty)
    }
}

private struct ShellLineParser {
    let bytes: [UInt8]
    private var at = 0
    private var word: [UInt8]?
    private(set) var commands: [[String]] = [[]]
    private(set) var redirections: [ShellLine.Redirection] = []
    private(set) var unclear: String?
    /// A file's name is to follow.
    private var isExpectingFile: Bool?

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() {
        while at < bytes.count, unclear == nil {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: " "), 0x09: endWord()
            case 0x0A, UInt8(ascii: ";"), UInt8(ascii: "|"): endCommand()
            case UInt8(ascii: "&"):
                // `&>file` and `&>>file`
                if next == UInt8(ascii: ">") { endWord() } else { endCommand() }
            case UInt8(ascii: "'"): quoted()
            case UInt8(ascii: "\""): doubleQuoted()
            case UInt8(ascii: "\\"):
                guard at < bytes.count, bytes[at] != 0x0A else {
                    unclear = "a line is continued"
                    return
                }
                add(bytes[at])
                at += 1
            case UInt8(ascii: ">"), UInt8(ascii: "<"): redirect(byte)
            case UInt8(ascii: "$"), UInt8(ascii: "`"): unclear = "it holds what only a shell can work out (`$` or a backquote)"
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                unclear = "it holds a group, a list or a function"
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["): unclear = "it holds a pattern of names"
            case UInt8(ascii: "#") where word == nil: unclear = "it holds a comment"
            case UInt8(ascii: "~") where word == nil: unclear = "it names a home directory by `~`"
            case 0..<0x20, 0x7F: unclear = "it holds a control character"
            default: add(byte)
            }
        }
        if unclear == nil { endCommand() }
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func add(_ byte: UInt8) { word = (word ?? []) + [byte] }

    private mutating func quoted() {
        word = word ?? []
        while let byte = next, byte != UInt8(ascii: "'") {
            add(byte)
            at += 1
        }
        if next == nil { unclear = "a quote has no end" }
        at += 1
    }

    private mutating func doubleQuoted() {
        word = word ?? []
        while let byte = next, byte != UInt8(ascii: "\"") {
            at += 1
            switch byte {
            case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "!"):
                unclear = "it holds what only a shell can work out"
                return
            case UInt8(ascii: "\\"):
                if next == 0x0A {
                    unclear = "a line is continued"
                    return
                }
                guard let escaped = next, "\"\\$`".utf8.contains(escaped) else {
                    add(byte)
                    continue
                }
                add(escaped)
                at += 1
            default: add(byte)
            }
        }
        if next == nil { unclear = "a quote has no end" }
        at += 1
    }

    private mutating func redirect(_ byte: UInt8) {
        // A number before it is a descriptor, not a word.
        if let digits = word, digits.allSatisfy({ (0x30...0x39).contains($0) }) { word = nil } else { endWord() }
        if byte == UInt8(ascii: "<") {
            if next == UInt8(ascii: "<") || next == UInt8(ascii: "(") || next == UInt8(ascii: ">") || next == UInt8(ascii: "&") {
                unclear = "it holds a document or a process in place of a file"
                return
            }
            isExpectingFile = false
            return
        }
        if next == UInt8(ascii: ">") || next == UInt8(ascii: "|") { at += 1 }
        if next == UInt8(ascii: "(") {
            unclear = "it holds a process in place of a file"
            return
        }
        if next == UInt8(ascii: "&") {
            at += 1
            let start = at
            while let digit = next, (0x30...0x39).contains(digit) { at += 1 }
            // `>&2x` writes to the file `2x`.
            let isEnd = next.map { " \t\n;&|<>()".utf8.contains($0) } ?? true
            if at == start || !isEnd { unclear = "a descriptor is not written as a number" }
            return
        }
        isExpectingFile = true
    }

    private mutating func endWord() {
        guard let ended = word else { return }
        word = nil
        let text = String(decoding: ended, as: UTF8.self)
        if let writes = isExpectingFile {
            redirections.append(.init(path: text, writes: writes))
            isExpectingFile = nil
        } else {
            commands[commands.count - 1].append(text)
        }
    }

    private mutating func endCommand() {
        endWord()
        if isExpectingFile != nil { unclear = "a file's name is missing" }
        commands.append([])
    }
}
