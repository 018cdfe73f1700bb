/// What a word of a command line may name, by what it looks like: no program's options are known here.
enum ShellWord {
    struct Reading: Sendable, Equatable {
        var path: String
        /// Whether the word says just this; otherwise it is a guess, such as a name within a sentence.
        var isCertain = true
    }

    /// What a program does with files that its words name.
    enum Use: Sendable {
        /// Prints their names at most.
        case names
        case reads
        /// Whatever the user may.
        case changes

        private static let printers: Set<String> = ["ls", "echo", "printf", "pwd", "basename", "dirname", "true", "false"]
        private static let readers: Set<String> = ["cat", "head", "tail", "grep", "egrep", "fgrep", "wc", "nl", "tac", "cut"]

        init(program: String) {
            self = Self.printers.contains(program) ? .names : Self.readers.contains(program) ? .reads : .changes
        }
    }

    private static let longest = 4096
    private static let longestOption = 256
    /// Before an address of the network, and not a path.
    private static let schemes: Set<String> = ["http", "https", "ssh", "git", "ftp"]

    /// The word itself, what stands after and between its `=`, `@`, `,`, `:`, `;` and `<`, of an option everything after each of its
    /// letters, of a sentence its words. Nil when it is too long for all of them.
    static func readings(of word: String) -> [Reading]? {
        let bytes = Array(word.utf8)
        guard bytes.count <= longest else { return nil }
        var found: [Reading] = []
        func add(_ part: some Collection<UInt8>, isCertain: Bool = true) {
            guard !part.isEmpty else { return }
            let reading = Reading(path: String(decoding: part, as: UTF8.self), isCertain: isCertain)
            if !found.contains(reading) { found.append(reading) }
        }
        func isSeparator(_ byte: UInt8) -> Bool { "=@,:;<".utf8.contains(byte) }
        func isSpace(_ byte: UInt8) -> Bool { " \t\n\r\"'`()>|&".utf8.contains(byte) }
        let isAddress = bytes.firstIndex(of: UInt8(ascii: ":")).map { colon in
            schemes.contains(String(decoding: bytes[..<colon], as: UTF8.self).lowercased()) && bytes[colon...].starts(with: "://".utf8)
        }
        let isSentence = bytes.contains(where: isSpace)
        if isAddress == true {
            for part in bytes.split(whereSeparator: isSeparator) where !part.starts(with: "//".utf8) { add(part) }
            return found
        }
        add(bytes)
        let separators = bytes.indices.filter { isSeparator(bytes[$0]) }
        guard separators.count <= longestOption else { return nil }
        for at in separators { add(bytes[(at + 1)...], isCertain: !isSentence) }
        for part in bytes.split(whereSeparator: isSeparator) { add(part, isCertain: !isSentence) }
        if isSentence { for part in bytes.split(whereSeparator: isSpace) { add(part, isCertain: false) } }
        if bytes.first == UInt8(ascii: "-"), bytes.dropFirst().first != UInt8(ascii: "-") {
            guard bytes.count <= longestOption else { return nil }
            // `-n.env` is `-n .env`; further on, and without a path's signs, it is a guess.
            for at in bytes.indices.dropFirst() {
                add(bytes[at...], isCertain: at == 2 || bytes[at] == UInt8(ascii: ".") || bytes[at] == UInt8(ascii: "/"))
            }
        }
        return found
    }

    /// Whether a search reads the directory that it starts in, without a word that says so.
    static func searchesHere(_ words: [String], program: String) -> Bool {
        if ["rg", "ag", "ack"].contains(program) { return true }
        if program == "git", words.contains("add") { return words.contains("-A") || words.contains("--all") }
        guard ["grep", "egrep", "fgrep"].contains(program) else { return false }
        return words.dropFirst().contains { word in
            if word.hasPrefix("--") { return word.hasPrefix("--r") || word.hasPrefix("--de") || word.hasPrefix("--di") }
            return word.hasPrefix("-") && (word.contains("r") || word.contains("R") || word.contains("d"))
        }
    }

    static func isGitConfiguration(_ word: String) -> Bool {
        word == "config" || word.hasPrefix("-c")
            || ["--config", "--exec-path", "--upload-pack", "--receive-pack"].contains { word.hasPrefix($0) }
    }
}
