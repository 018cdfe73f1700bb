internal import CapabilityLanguage
internal import CommandOutput
internal import SandboxPolicy

/// The words of `glovebox run`.
///
/// Read by hand: a run starts in a millisecond or two, and building the argument parser's tree would cost as much again.
struct RunArguments: Equatable, Sendable {
    var policy: String?
    var workspace: WorkspaceChoice?
    /// `RESOURCE=RIGHT[,RIGHT…]`, in their order.
    var allow: [String] = []
    var deny: [String] = []
    var environment: [String: String] = [:]
    /// Replaces the policy's wall-clock limit, milliseconds.
    var timeout: UInt64?
    var json = false
    var report: String?
    var terminal = false
    /// As given: absolute inside, or relative to the workspace.
    var workingDirectory: String?
    var quiet = false
    /// Whether a running server may be asked; that is decided before these words are read.
    var usesServer = true
    var command: [String] = []

    struct WorkspaceChoice: Equatable, Sendable {
        var path: String
        var isWritable: Bool
    }

    enum Reading: Equatable, Sendable {
        case run(RunArguments)
        case help
    }

    /// Every option with the word for its value in messages; nil for switches.
    static let options: [(name: String, value: String?)] = [
        ("--policy", "P"), ("--workspace", "DIR[:ro|:rw]"), ("--allow", "RESOURCE=RIGHT[,RIGHT…]"), ("--deny", "RESOURCE=RIGHT[,RIGHT…]"),
        ("--env", "NAME=VALUE"), ("--timeout", "DURATION"), ("--json", nil), ("--report", "FILE"), ("--terminal", nil), ("--cwd", "DIR"),
        ("--quiet", nil), ("--no-server", nil), ("--help", nil),
    ]
    private static func longForm(_ word: String) -> String {
        switch word {
        case "-t": "--terminal"
        case "-q": "--quiet"
        case "-h": "--help"
        default: word
        }
    }

    /// Reads the words after `run`.
    static func read(_ words: [String]) throws(CommandFailure) -> Reading {
        var result = RunArguments()
        var given: [String] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "--" {
                result.command = Array(words[index...])
                return .run(try result.checked())
            }
            guard word.hasPrefix("-"), word != "-" else {
                throw .usage("`\(word)` stands where an option should; put `--` before the program: glovebox run -- \(word)")
            }
            var name = longForm(word)
            var attached: String?
            if name.hasPrefix("--"), let equals = name.firstIndex(of: "=") {
                attached = String(name[name.index(after: equals)...])
                name = String(name[..<equals])
            }
            guard let option = options.first(where: { $0.name == name }) else { throw unknown(word, name) }
            if name == "--help" { return .help }
            guard let placeholder = option.value else {
                if attached != nil { throw .usage("\(name) takes no value; write \(name) alone") }
                result.set(name)
                continue
            }
            if attached == nil, index < words.count, words[index] != "--" {
                attached = words[index]
                index += 1
            }
            guard let value = attached, !value.isEmpty else { throw .usage("\(name) needs a value; write \(name) \(placeholder)") }
            if name != "--allow", name != "--deny", name != "--env" {
                if given.contains(name) { throw .usage("\(name) is given twice; keep one") }
                given.append(name)
            }
            try result.set(name, value)
        }
        throw .usage("there is no program to run; write it after `--`: glovebox run [options] -- PROGRAM [ARGUMENT…]")
    }

    private static func unknown(_ word: String, _ name: String) -> CommandFailure {
        let known = options.map(\.name)
        if name.hasPrefix("--"), let near = NearestWord.suggestion(for: name, among: known) {
            return .usage("unknown option `\(word)`; did you mean `\(near)`?")
        }
        return .usage("unknown option `\(word)`; see `glovebox help run`, and put `--` before the program")
    }

    private func checked() throws(CommandFailure) -> RunArguments {
        guard let program = command.first else {
            throw .usage("there is no program after `--`; write: glovebox run [options] -- PROGRAM [ARGUMENT…]")
        }
        if program.isEmpty { throw .usage("the program's name is empty; write its name or path after `--`") }
        if terminal, json { throw .usage("--json keeps the output in the report and --terminal shows it; choose one") }
        return self
    }

    private mutating func set(_ name: String) {
        switch name {
        case "--json": json = true
        case "--terminal": terminal = true
        case "--no-server": usesServer = false
        default: quiet = true
        }
    }

    private mutating func set(_ name: String, _ value: String) throws(CommandFailure) {
        switch name {
        case "--policy": policy = value
        case "--workspace": workspace = try Self.workspace(value)
        case "--allow": allow.append(value)
        case "--deny": deny.append(value)
        case "--env": try setVariable(value)
        case "--timeout":
            do throws(Quantity.Problem) {
                timeout = try Quantity.milliseconds(value)
            } catch {
                throw .usage("--timeout: \(error.message); \(error.mend)")
            }
        case "--report": report = value
        default: workingDirectory = value
        }
    }

    /// A directory whose own name ends in `:ro` is written with a second ending.
    private static func workspace(_ value: String) throws(CommandFailure) -> WorkspaceChoice {
        let isReadOnly = value.hasSuffix(":ro")
        guard isReadOnly || value.hasSuffix(":rw") else { return WorkspaceChoice(path: value, isWritable: true) }
        let path = String(value.dropLast(3))
        if path.isEmpty { throw .usage("--workspace `\(value)` names no directory; write --workspace DIR\(value)") }
        return WorkspaceChoice(path: path, isWritable: !isReadOnly)
    }

    private mutating func setVariable(_ value: String) throws(CommandFailure) {
        guard let equals = value.firstIndex(of: "="), equals != value.startIndex else {
            throw .usage("--env `\(value)` is no NAME=VALUE; to pass a variable of yours on, write --env NAME=\"$NAME\"")
        }
        let name = String(value[..<equals])
        if environment[name] != nil { throw .usage("--env \(name) is given twice; keep one") }
        environment[name] = String(value[value.index(after: equals)...])
    }
}
