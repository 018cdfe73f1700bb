internal import Glibc
internal import LinuxPrimitives

/// A pty of ours between the caller's terminal and the tool: keys go in, screen output comes out, window sizes follow. The
/// tool never holds the caller's terminal, so it cannot push input into it or keep it after the run.
///
/// Nothing in here waits: a terminal that somebody has stopped (Ctrl-S) stops the tool's output, not the run's clock.
struct TerminalRelay: ~Copyable {
    private var pty: PseudoTerminal
    /// The caller's terminal, borrowed.
    private let terminal: Int32
    private let keyboard: NonBlockingReader
    private var screen: OutputForwarder
    private var raw: RawTerminal?
    private var window: TerminalWindow?
    private var isOpen = true
    private var toTool: ArraySlice<UInt8> = []
    private let limit: UInt64
    /// Bytes that the tool wrote to its screen.
    private(set) var total: UInt64 = 0

    /// A pty's buffer is no larger (tty_buffer.c).
    private static let lastOutput = 128 << 10

    init(pty: consuming PseudoTerminal, terminal: Int32, limit: UInt64) throws(SystemError) {
        self.pty = consume pty
        self.terminal = terminal
        self.limit = limit
        keyboard = NonBlockingReader(terminal)
        screen = OutputForwarder(to: terminal, clean: false)
        try self.pty.master.setNonBlocking(true)
        raw = try RawTerminal(terminal)
        followWindow()
    }

    var isOverLimit: Bool { total > limit }
    var hasWaiting: Bool { screen.hasWaiting }
    var followsWindow: Bool { isOpen }

    /// While the screen has not taken everything, no more is read from the tool.
    var masterEntry: pollfd? {
        let events = (screen.hasWaiting ? 0 : POLLIN) | (toTool.isEmpty ? 0 : POLLOUT)
        return isOpen && events != 0 ? pollfd(fd: pty.master.rawValue, events: Int16(events), revents: 0) : nil
    }

    var keyboardEntry: pollfd? { isOpen && toTool.isEmpty ? keyboard.pollEntry : nil }

    var screenEntry: pollfd? { screen.pollEntry }

    /// Our copy of the tool's end would keep the master from seeing that the tool is gone.
    mutating func handedOver() { pty.closeSlave() }

    mutating func relayOutput(_ buffer: UnsafeMutableRawBufferPointer) {
        pushInput()
        if !screen.hasWaiting { _ = readOutput(buffer) }
    }

    mutating func advanceScreen() { screen.advance() }

    mutating func relayInput(_ buffer: UnsafeMutableRawBufferPointer) {
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 4096)])
        switch try? keyboard.read(into: piece) {
        case .bytes(let count):
            toTool = Array(piece[..<count])[...]
            pushInput()
        case .nothing: break
        case .end, nil: isOpen = false // the caller's terminal is gone: the tool gets its hang-up when the master closes
        }
    }

    private mutating func pushInput() {
        while !toTool.isEmpty {
            do throws(SystemError) {
                let piece = Array(toTool)
                let written = try piece.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                    try Transfer.write(pty.master.rawValue, from: UnsafeRawBufferPointer(bytes))
                }
                toTool = toTool.dropFirst(written)
            } catch {
                if !error.isWouldBlock { toTool = [] } // the tool has closed its end
                return
            }
        }
    }

    /// Bytes that were read; nil when there are none now.
    private mutating func readOutput(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        switch try? Transfer.readAvailable(pty.master.rawValue, into: buffer) {
        case .bytes(let count):
            let allowed = total >= limit ? 0 : Int(min(UInt64(count), limit - total))
            total += UInt64(count)
            screen.add(UnsafeRawBufferPointer(rebasing: buffer[..<allowed]))
            return count
        case .nothing: return nil
        case .end, nil:
            isOpen = false
            return nil
        }
    }

    /// Gives the tool the size of the caller's window when it has changed.
    mutating func followWindow() {
        guard let now = try? TerminalWindow(of: terminal), now != window else { return }
        window = now
        try? now.apply(to: pty.master.rawValue)
    }

    /// Takes the last output of a dead tool. Somebody else may hold its end by now and go on writing, so this is bounded.
    mutating func treeEnded(_ buffer: UnsafeMutableRawBufferPointer) {
        var left = Self.lastOutput
        while isOpen, left > 0, let count = readOutput(buffer) { left -= count }
        isOpen = false
        screen.finish()
    }

    /// Gives the caller its terminal back.
    mutating func restore() { raw = nil }
}
