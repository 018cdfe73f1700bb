internal import ArgumentParser
internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives

/// `glovebox pool`: asks the server what it holds.
struct PoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool",
        abstract: "Show the sandboxes that `glovebox serve` keeps ready.",
        discussion: "Exit code 125 when no server answers, or when it declines calls from here and why.")

    @Flag(help: "Print JSON (glovebox.pool/1).") var json = false

    @Option(help: ArgumentHelp("The server's socket.", valueName: "path"), completion: .file())
    var socket: String?

    func run() throws {
        let place: ServerPlace
        if let socket {
            guard let named = ServerPlace(path: socket) else {
                throw CommandFailure.usage("--socket \(socket) is no absolute path of a socket")
            }
            place = named
        } else {
            switch ServerPlace.choiceOfThisProcess() {
            case .place(let chosen): place = chosen
            case .off: throw CommandFailure.failed("\(ServerPlace.variable) is `off`; unset it, or name a socket: --socket PATH")
            case .notUnderstood(let value):
                throw CommandFailure.usage("\(ServerPlace.variable) is neither `off` nor the absolute path of a socket: \(value)")
            }
        }
        switch ServerQuestion.ask(place, asJSON: json) {
        case .status(let text): try Console.show(text)
        case .declined(let reason): throw CommandFailure.failed("the server at \(place.path) declines calls from here: \(reason)")
        case .noAnswer(let problem): throw CommandFailure.failed("\(problem.message); \(problem.mend)")
        }
    }
}

/// One question to a server about itself.
enum ServerQuestion {
    enum Answer {
        case status(String)
        case declined(reason: String)
        case noAnswer(ServerPlace.Problem)
    }

    private static let patience: UInt64 = 3_000_000_000
    /// Of an answer, bytes: 32 kinds with names.
    private static let limit = 256 << 10

    static func ask(_ place: ServerPlace, asJSON: Bool) -> Answer {
        do throws(ServerPlace.Problem) {
            return ask(place, over: try place.connect(), asJSON: asJSON)
        } catch {
            return .noAnswer(error)
        }
    }

    private static func ask(_ place: ServerPlace, over connection: borrowing OwnedDescriptor, asJSON: Bool) -> Answer {
        let silent = ServerPlace.Problem(message: "the server at \(place.path) does not answer", mend: "start it again")
        let number = connection.rawValue
        var words: [UnsafeMutablePointer<CChar>?] = asJSON ? [strdup("json")] : []
        defer { for word in words { free(word) } }
        let isSent: Bool? = words.withUnsafeMutableBufferPointer { words in
            CallMessage.withBytes(.status, words: UnsafeBufferPointer(words), variables: nil, build: BuildMark.ofThisProgram) { bytes in
                (try? DescriptorMessage.send(on: number, header: bytes)) != nil
            }
        }
        guard isSent == true else { return .noAnswer(silent) }
        let deadline = MonotonicClock.now() + patience
        var text: [UInt8] = []
        while text.count <= limit, (try? Polling.wait(number, for: .readable, deadline: deadline)) == true,
            let bytes = try? DescriptorMessage.receive(on: number, maxBytes: AnswerMessage.limit, maxDescriptors: 0)?.bytes
        {
            switch AnswerMessage(bytes) {
            case .accepted: continue
            case .text(stream: 1, let piece): text += piece
            case .finished(code: 0):
                return .status(String(decoding: text.last == 0x0A ? text.dropLast() : text[...], as: UTF8.self))
            case .declined(let reason): return .declined(reason: reason)
            default: return .noAnswer(silent)
            }
        }
        return .noAnswer(silent)
    }
}
