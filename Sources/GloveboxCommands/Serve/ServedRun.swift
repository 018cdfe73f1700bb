internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher

/// `glovebox run` where a server runs: hands it the call, and ends as it says. Nothing else is read or opened before, so that the way
/// through a server is short.
///
/// Only until the server has accepted may the tool be started here instead. Afterwards it may have run, and is never run again.
enum ServedRun {
    /// For the answer to a request, nanoseconds. A server that does not answer is not waited for.
    private static let patience: UInt64 = 3_000_000_000

    /// The exit code when a server ran the tool. Nil: nothing was done, and this process runs it.
    ///
    /// - Parameter words: those of the program, as they came; the first is the program's name.
    static func attempt(_ words: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>) -> Int32? {
        guard isFit(words), getuid() == geteuid(), getgid() == getegid() else { return nil }
        StandardDescriptors.fill() // or the connection would become one of them
        guard case .place(let place) = ServerPlace.choiceOfThisProcess(), let connection = try? place.connect() else { return nil }
        return attempt(UnsafeBufferPointer(rebasing: words[2...]), over: connection)
    }

    /// Whether these words are for a server. Words that are not understood are for the reader, who says so.
    static func isFit(_ words: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>) -> Bool {
        guard words.count > 3, let command = words[1], strcmp(command, "run") == 0 else { return false }
        for case let word? in words[2...] {
            if strcmp(word, "--") == 0 { break }
            for other in ["--no-server", "-t", "--terminal", "-h", "--help"] where strcmp(word, other) == 0 { return false }
        }
        // A terminal's input belongs to the processes that its shell put in front. A server is none of them: it would go on reading
        // what is typed after this process was stopped.
        return !TerminalWindow.isTerminal(0)
    }

    static func attempt(_ words: UnsafeBufferPointer<UnsafeMutablePointer<CChar>?>, over connection: borrowing OwnedDescriptor) -> Int32? {
        guard let directory = try? PathResolution.openPath(path: ".", resolve: .ordinary) else { return nil }
        let number = connection.rawValue
        let isSent: Bool? = CallMessage.withBytes(.run, words: words, variables: ProcessEnvironment.entries, build: BuildMark.ofThisProgram)
        { bytes in
            // Waits for nothing: a server whose queue is full is busy.
            (try? DescriptorMessage.send(on: number, header: bytes, descriptors: [0, 1, 2, directory.rawValue])) != nil
        }
        guard isSent == true, let signals = try? SignalWatch.start() else { return nil }
        var call = Call(number: number, signals: signals)
        return call.follow(deadline: MonotonicClock.now() + patience)
    }

    /// One request on its way to its end.
    private struct Call {
        let number: Int32
        let signals: SignalWatch
        var isAccepted = false
        var stoppedBy: Int32?

        mutating func follow(deadline: UInt64) -> Int32? {
            while true {
                var entries = [
                    pollfd(fd: number, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: signals.cancellation.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                let ready = (try? Polling.wait(&entries, deadline: isAccepted ? nil : deadline)) ?? 0
                if ready == 0 { return giveUp() }
                if entries[1].revents != 0, let signal = signals.received() {
                    // Asked a second time, this process leaves; its end ends the tool as well.
                    if stoppedBy != nil { return 128 + signal }
                    stoppedBy = signal
                    _ = try? DescriptorMessage.send(on: number, header: [UInt8(truncatingIfNeeded: signal)])
                }
                guard entries[0].revents != 0 else { continue }
                switch take() {
                case .more: continue
                case .ended(let code): return code
                case .notStarted: return notStarted()
                }
            }
        }

        private enum Step { case more, ended(Int32), notStarted }

        private mutating func take() -> Step {
            let received: [UInt8]?
            do throws(SystemError) {
                received = try DescriptorMessage.receive(on: number, maxBytes: AnswerMessage.limit, maxDescriptors: 0)?.bytes
            } catch {
                if error.isWouldBlock { return .more }
                received = nil
            }
            guard let answer = received.flatMap({ AnswerMessage($0) }) else { return isAccepted ? .ended(lost()) : .notStarted }
            switch answer {
            case .declined: return isAccepted ? .ended(lost()) : .notStarted
            case .accepted: isAccepted = true
            case .text(let stream, let bytes):
                guard isAccepted else { return .notStarted }
                if stream == 1 { Console.printBytes(bytes) } else { try? Transfer.writeAll(2, bytes) }
            case .finished(let code): return isAccepted ? .ended(code) : .notStarted
            }
            return .more
        }

        /// The server was asked to stop before it had done anything: so does this process.
        private func notStarted() -> Int32? { stoppedBy.map { 128 + $0 } }

        /// No answer came in time. Once nothing can be said to us any more, what was said before tells whether the tool may run.
        private mutating func giveUp() -> Int32? {
            LocalSocket.stopReceiving(number)
            let last = try? DescriptorMessage.receive(on: number, maxBytes: AnswerMessage.limit, maxDescriptors: 0)?.bytes
            guard let last, AnswerMessage(last) == .accepted else { return notStarted() }
            return lost()
        }

        private func lost() -> Int32 {
            Console.complain(
                "the server ended, or was lost, while the tool ran, and the tool with it; how far it came is not known, so it was not "
                    + "started again; `--no-server` runs without a server")
            return ExitStatus.failure
        }
    }
}
