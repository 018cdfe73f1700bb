internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// One client from its message to its answer, on a thread that acts for it alone.
///
/// Whatever is in doubt is declined before anything has happened, and the client then runs the tool itself; so a complaint about its
/// words is the client's own, too.
struct ServedCall {
    let server: RunServer
    /// Borrowed; non-blocking.
    let connection: Int32

    /// For the message of a client that has connected, nanoseconds.
    private static let patience: UInt64 = 1_000_000_000

    /// Why nothing was done.
    private struct Declined: Error {
        var reason: String
    }

    func serve() {
        do {
            try take()
        } catch let declined as Declined {
            server.note(declined: declined.reason)
            _ = try? DescriptorMessage.send(on: connection, header: AnswerMessage.declined(reason: declined.reason).bytes)
        } catch {
            server.note(declined: "\(error)")
        }
    }

    private func take() throws {
        guard try PeerCredentials.of(socket: connection).uid == geteuid() else { throw Declined(reason: "it is another user's") }
        guard try Polling.wait(connection, for: .readable, deadline: MonotonicClock.now() + Self.patience) else {
            throw Declined(reason: "it said nothing")
        }
        // What waits, exactly: room for the longest message would cost each call more than reading it.
        let size = min(DescriptorMessage.waitingBytes(on: connection), CallMessage.limit)
        guard
            var received = try DescriptorMessage.receive(
                on: connection, maxBytes: max(1, size), maxDescriptors: CallMessage.descriptorCount)
        else { throw Declined(reason: "it said nothing") }
        let message: CallMessage
        do throws(CallMessage.Refusal) {
            message = try CallMessage(received.bytes, build: server.build)
        } catch {
            throw Declined(reason: error.reason)
        }
        let standing = try standingOfClient()
        switch message.kind {
        case .status:
            guard received.descriptorCount == 0 else { throw Declined(reason: CallMessage.Refusal.malformed.reason) }
            try answerStatus(asJSON: message.words == ["json"])
        case .run:
            guard let input = received.takeDescriptor(0), let output = received.takeDescriptor(1), let error = received.takeDescriptor(2),
                let directory = received.takeDescriptor(3)
            else { throw Declined(reason: CallMessage.Refusal.malformed.reason) }
            let caller = RunCaller(
                input: input.rawValue, output: output.rawValue, error: error.rawValue, variables: message.variables)
            // What is made for a client has the modes that it has without a server, or the owner could not use it.
            guard standing.umask & 0o700 == 0 else { throw Declined(reason: "its umask takes rights from the owner") }
            try ThreadDirectory.enter(directory.rawValue)
            defer { ThreadDirectory.leave() }
            try run(message.words, for: caller)
        }
    }

    /// Declines a client that is confined otherwise than this server: it would have a tool run, and files read, by somebody who may do more.
    private func standingOfClient() throws -> ProcessStanding {
        do {
            let client = try ProcessStanding(of: try ProcessHandle.peer(ofSocket: connection))
            if let difference = server.standing.difference(from: client) { throw difference }
            return client
        } catch let difference as ProcessStanding.Difference {
            throw Declined(reason: "the client does not stand where the server does: " + difference.reason)
        } catch {
            throw Declined(reason: "it cannot be seen where the client stands: \(error)")
        }
    }

    // MARK: - A run

    /// Everything about a run that has to be known before anything happens.
    private struct Prepared: ~Copyable {
        let arguments: RunArguments
        let request: RunRequest
        let reportFile: ReportFile?
    }

    private func prepare(_ words: [String], for caller: RunCaller) throws -> Prepared {
        do throws(CommandFailure) {
            guard case .run(let arguments) = try RunArguments.read(words), !arguments.terminal, arguments.usesServer else {
                throw .failed("this is for the client itself")
            }
            if TerminalWindow.isTerminal(caller.input) { throw .failed("standard input is a terminal") }
            try ServedPaths.check(arguments)
            let request = try RunCommand.request(
                arguments, for: caller,
                from: server.policies.source(configuration: caller.variable("XDG_CONFIG_HOME"), home: caller.variable("HOME")))
            try ServedPaths.check(request)
            guard let path = arguments.report else { return Prepared(arguments: arguments, request: request, reportFile: nil) }
            return Prepared(arguments: arguments, request: request, reportFile: try ReportFile.prepare(path))
        } catch {
            throw Declined(reason: error.message)
        }
    }

    private func run(_ words: [String], for caller: RunCaller) throws {
        let prepared = try prepare(words, for: caller)
        guard server.mayBegin(connection) else { throw Declined(reason: "the server ends") }
        defer { server.hasEnded(connection) }
        // The run ends when the client says so, and when it is gone: in both cases there is something to read here.
        let watched = RunCancellation(readable: try OwnedDescriptor.duplicating(connection))
        // Only a client that takes this may find its tool started; after it, nobody else starts the tool.
        try DescriptorMessage.send(on: connection, header: AnswerMessage.accepted.bytes)
        let report = server.supervisor.run(prepared.request, cancellation: watched)
        server.note(ended: report)
        let code = tell(report, prepared, caller)
        try? answer(.finished(code: code)) // a client that is gone has nothing to be told
    }

    /// Says what a run without a server would say, and gives its exit code.
    private func tell(_ report: RunReport, _ prepared: consuming Prepared, _ caller: RunCaller) -> Int32 {
        let arguments = prepared.arguments
        do throws(CommandFailure) {
            let ending = try RunCommand.ending(report, arguments, prepared.reportFile, stoppedBy: signalOfClient(), for: caller)
            if let output = ending.output { try? say(output + "\n", on: 1) }
            if let note = ending.note { try? say(note + "\n", on: 2) }
            if server.isEnding, report.outcome == .cancelled { try? say("glovebox: the server was told to end\n", on: 2) }
            return ending.code
        } catch {
            try? say("glovebox: \(SafeText.line(error.message))\n", on: 2)
            return error.exitCode
        }
    }

    /// The signal that made the client ask for the end.
    private func signalOfClient() -> Int32? {
        guard let word = try? DescriptorMessage.receive(on: connection, maxBytes: 1, maxDescriptors: 0), let number = word.bytes.first,
            (1...64).contains(number)
        else { return nil }
        return Int32(number)
    }

    // MARK: - Answers

    private func answerStatus(asJSON: Bool) throws {
        try answer(.accepted)
        try say(server.status(asJSON: asJSON) + "\n", on: 1)
        try answer(.finished(code: 0))
    }

    private func say(_ text: String, on stream: UInt8) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try answer(.text(stream: stream, Array(rest.prefix(AnswerMessage.textLimit))))
            rest = rest.dropFirst(AnswerMessage.textLimit)
        }
    }

    /// Waits for a client that is slow to read, as long as it lives.
    private func answer(_ message: AnswerMessage) throws(SystemError) {
        let bytes = message.bytes
        while true {
            do throws(SystemError) {
                return try DescriptorMessage.send(on: connection, header: bytes)
            } catch {
                guard error.isWouldBlock else { throw error }
                _ = try Polling.wait(connection, for: .writable, deadline: nil)
            }
        }
    }
}
