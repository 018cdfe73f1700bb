internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// Questions to the person at the terminal: over /dev/tty, so that no redirected input answers for anybody.
final class TerminalPrompt: Sendable {
    private let terminal: OwnedDescriptor
    private let interruption: Interruption

    /// Bytes of an answer that are taken.
    private static let longestAnswer = 65_536

    init(_ interruption: Interruption) throws(CommandFailure) {
        do throws(SystemError) {
            terminal = try PathResolution.open(path: "/dev/tty", flags: O_RDWR | O_NOCTTY, resolve: [])
        } catch {
            throw .failed("there is no terminal to ask on (\(error.symbol))")
        }
        self.interruption = interruption
    }

    /// - Parameter isWanted: nil asks when standard input is a terminal.
    static func open(isWanted: Bool?, _ interruption: Interruption) throws(CommandFailure) -> TerminalPrompt? {
        switch isWanted {
        case true: try TerminalPrompt(interruption)
        case false: nil
        default: isatty(0) == 1 ? try? TerminalPrompt(interruption) : nil
        }
    }

    func show(_ lines: [String]) { Console.write(lines.joined(separator: "\n") + "\n", to: terminal.rawValue) }

    /// One line of the person's, without its end and outer blanks; nil when the terminal is gone or the program shall stop.
    func ask(_ question: String) async -> String? {
        await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start { continuation.resume(returning: self.answer(to: question)) }
            if !isStarted { continuation.resume(returning: nil) }
        }
    }

    private func answer(to question: String) -> String? {
        // What was typed before the question was seen answers nothing.
        tcflush(terminal.rawValue, TCIFLUSH)
        Console.write(question + " ", to: terminal.rawValue)
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count < Self.longestAnswer {
            var entries = [
                pollfd(fd: terminal.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interruption.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard (try? Polling.wait(&entries, deadline: nil)) != nil, entries[1].revents == 0 else { return nil }
            guard let count = try? buffer.withUnsafeMutableBytes({ try Transfer.read(terminal.rawValue, into: $0) }), count > 0 else {
                return nil
            }
            line += buffer[..<count]
            if let end = line.firstIndex(of: 0x0A) {
                let text = String(decoding: line[..<end], as: UTF8.self)
                return Self.trimmed(text)
            }
        }
        return nil
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
