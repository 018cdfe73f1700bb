internal import Glibc
internal import LinuxPrimitives

/// A pty of ours between the caller's terminal and the tool: keys go in, screen output comes out, window sizes follow. The
/// tool never holds the caller's terminal, so it cannot push input into it or keep it after the run.
struct TerminalRelay: ~Copyable {
    private var pty: PseudoTerminal
    /// The caller's terminal, borrowed.
    private let terminal: Int32
    private var raw: RawTerminal?
    private var window: TerminalWindow?
    private var isOpen = true
    private var toTool: ArraySlice<UInt8> = []

    init(pty: consuming PseudoTerminal, terminal: Int32) throws(SystemError) {
        self.pty = consume pty
        self.terminal = terminal
        try self.pty.master.setNonBlocking(true)
        raw = try RawTerminal(terminal)
        followWindow()
    }

    var masterEntry: pollfd? {
        guard isOpen else { return nil }
        let events = POLLIN | (toTool.isEmpty ? 0 : POLLOUT)
        return pollfd(fd: pty.master.rawValue, events: Int16(events), revents: 0)
    }

    var keyboardEntry: pollfd? {
        guard isOpen, toTool.isEmpty else { return nil }
        return pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
    }

    /// Our copy of the tool's end would keep the master from seeing that the tool is gone.
    mutating func handedOver() { pty.closeSlave() }

    mutating func relayOutput(_ buffer: UnsafeMutableRawBufferPointer) {
        pushInput()
        switch try? Transfer.readAvailable(pty.master.rawValue, into: buffer) {
        case .bytes(let count): try? Transfer.writeAll(terminal, from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        case .nothing: break
        case .end, nil: isOpen = false
        }
    }

    mutating func relayInput(_ buffer: UnsafeMutableRawBufferPointer) {
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 4096)])
        guard let count = try? Transfer.read(terminal, into: piece), count > 0 else {
            isOpen = false // the caller's terminal is gone: the tool gets its hang-up when the master closes
            return
        }
        toTool = Array(piece[..<count])[...]
        pushInput()
    }

    private mutating func pushInput() {
        while !toTool.isEmpty {
            guard let written = toTool.withUnsafeBytes({ try? Transfer.write(pty.master.rawValue, from: $0) }), written > 0 else { return }
            toTool = toTool.dropFirst(written)
        }
    }

    /// Gives the tool the size of the caller's window when it has changed.
    mutating func followWindow() {
        guard let now = try? TerminalWindow(of: terminal), now != window else { return }
        window = now
        try? now.apply(to: pty.master.rawValue)
    }

    /// The last output of a dead tool.
    mutating func drain(_ buffer: UnsafeMutableRawBufferPointer) {
        while isOpen {
            guard case .bytes(let count)? = try? Transfer.readAvailable(pty.master.rawValue, into: buffer) else { break }
            try? Transfer.writeAll(terminal, from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        isOpen = false
        raw = nil
    }
}
