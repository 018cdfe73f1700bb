internal import Benchmarking
internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import ModelContextProtocol
internal import StrictJSON

/// A server of standard input and output in another process, as a client has it.
final class BenchedServer {
    private let name: String
    private let pid: pid_t
    private var input: OwnedDescriptor?
    private let output: OwnedDescriptor
    private let inputNumber: Int32
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    /// An answer whose end has not come.
    private var rest: [UInt8] = []

    /// Milliseconds without an answer after which a measurement is given up.
    private static let patience: UInt64 = 30_000

    init(_ name: String, _ arguments: [String]) throws {
        self.name = name
        var toServer = try Pipe.make()
        var fromServer = try Pipe.make()
        let theirInput = toServer.takeFirst()
        let theirOutput = fromServer.takeSecond()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, theirInput.rawValue, 0)
        posix_spawn_file_actions_adddup2(&actions, theirOutput.rawValue, 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        BareLaunch.startWithoutOurSignals(&attributes)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var number: pid_t = 0
        let failed = posix_spawnp(&number, arguments[0], &actions, &attributes, words, environ)
        guard failed == 0 else {
            throw CommandFailure.failed("\(printable(arguments[0])) cannot be started: \(String(cString: strerror(failed)))")
        }
        pid = number
        let end = toServer.takeSecond()
        inputNumber = end.rawValue
        input = consume end
        output = fromServer.takeFirst()
    }

    deinit { room.deallocate() }

    /// Ends it as a client does, and waits.
    func end() {
        input = nil
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    // MARK: - One after the other

    /// Nanoseconds from the question to its answer, which has to be a result.
    func roundTrip(_ line: [UInt8]) throws -> UInt64 {
        let began = MonotonicClock.now()
        try Transfer.writeAll(inputNumber, line)
        var answer: [UInt8] = []
        while answer.last != 0x0A { answer += try read() }
        let took = MonotonicClock.now() &- began
        try check(answer[...])
        return took
    }

    /// Says something that nobody answers.
    func tell(_ line: [UInt8]) throws { try Transfer.writeAll(inputNumber, line) }

    private func read() throws -> UnsafeRawBufferPointer {
        guard try Polling.wait(output.rawValue, for: .readable, deadline: MonotonicClock.now() &+ Self.patience * 1_000_000) else {
            throw CommandFailure.failed("\(name) says nothing any more; it was measured up to there")
        }
        guard case .bytes(let count) = try Transfer.readAvailable(output.rawValue, into: room) else {
            throw CommandFailure.failed("\(name) ended while it was measured; its own words are above")
        }
        return UnsafeRawBufferPointer(rebasing: room[..<count])
    }

    private func check(_ answer: ArraySlice<UInt8>) throws {
        let isResult = answer.withUnsafeBytes { WordSearch.holds($0, "\"result\":") && !WordSearch.holds($0, "glovebox/decision") }
        guard isResult else {
            let shown = printable(String(decoding: answer.prefix(256), as: UTF8.self))
            throw CommandFailure.failed("\(name) did not answer with a result, so its times mean nothing: \(shown)")
        }
    }

    // MARK: - Many at once

    /// Nanoseconds for all of them, sent without waiting for answers but that no more than `window` are open.
    func pipeline(_ lines: [[UInt8]], window: Int) throws -> UInt64 {
        var ends: [Int] = []
        var all: [UInt8] = []
        for line in lines {
            all += line
            ends.append(all.count)
        }
        try setWaiting(false)
        defer { try? setWaiting(true) }
        var (written, answered) = (0, 0)
        rest = []
        let began = MonotonicClock.now()
        while answered < lines.count {
            let end = ends[min(lines.count, answered + window) - 1]
            if written < end { written += try send(all, written..<end) }
            var entries = [pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0)]
            if written < end { entries.append(pollfd(fd: inputNumber, events: Int16(POLLOUT), revents: 0)) }
            guard try Polling.wait(&entries, timeoutMilliseconds: Self.patience) > 0 else {
                throw CommandFailure.failed("\(name) has answered \(answered) of \(lines.count) messages and says nothing any more")
            }
            if entries[0].revents != 0 { answered += try take(read()) }
        }
        let took = MonotonicClock.now() &- began
        guard answered == lines.count, rest.isEmpty else { throw CommandFailure.failed("\(name) gave more answers than were asked for") }
        return took
    }

    private func send(_ bytes: [UInt8], _ range: Range<Int>) throws -> Int {
        let number = inputNumber
        let result: Result<Int, SystemError> = bytes.withUnsafeBytes { raw in
            do throws(SystemError) {
                return .success(try Transfer.write(number, from: UnsafeRawBufferPointer(rebasing: raw[range])))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let count): return count
        case .failure(let error) where error.isWouldBlock: return 0
        case .failure(let error): throw CommandFailure.failed("\(name) takes no more messages: \(error)")
        }
    }

    /// How many answers have come to their end.
    private func take(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        rest += bytes
        var (from, count) = (0, 0)
        while let end = newline(from) {
            try check(rest[from..<end])
            from = end + 1
            count += 1
        }
        rest.removeFirst(from)
        return count
    }

    private func newline(_ from: Int) -> Int? {
        rest.withUnsafeBytes { raw in
            guard from < raw.count, let base = raw.baseAddress, let found = memchr(base + from, 0x0A, raw.count - from) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private func setWaiting(_ waits: Bool) throws {
        for number in [inputNumber, output.rawValue] {
            let flags = fcntl(number, F_GETFL)
            guard flags >= 0, fcntl(number, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0 else {
                throw SystemError(errno: errno, operation: "fcntl", object: "descriptor \(number)")
            }
        }
    }
}
