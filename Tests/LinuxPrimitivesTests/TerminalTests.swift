internal import Glibc
internal import LinuxPrimitives
internal import Testing

@Suite struct TerminalTests {
    @Test func `a window is copied from one terminal to another`() throws {
        let first = try PseudoTerminal()
        let second = try PseudoTerminal()
        let window = TerminalWindow(rows: 31, columns: 117, widthPixels: 5, heightPixels: 6)
        try window.apply(to: first.master.rawValue)
        let firstSlave = first.slave
        let secondSlave = second.slave
        let copied = try TerminalWindow(of: try #require(firstSlave))
        #expect(copied == window)
        try copied.apply(to: second.master.rawValue)
        #expect(try TerminalWindow(of: try #require(secondSlave)) == window)
        #expect(TerminalWindow.isTerminal(first.master.rawValue))
        let file = try MemoryFile.make(name: "no terminal", bytes: [], sealed: false)
        #expect(!TerminalWindow.isTerminal(file.rawValue))
        let error = #expect(throws: SystemError.self) { _ = try TerminalWindow(of: file.rawValue) }
        #expect(error?.errno == ENOTTY)
    }

    @Test func `raw mode lasts as long as its value`() throws {
        let terminal = try PseudoTerminal()
        let opened = terminal.slave
        let slave = try #require(opened)
        func isCooked() -> Bool {
            var state = termios()
            return tcgetattr(slave, &state) == 0 && state.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == tcflag_t(ICANON | ECHO | ISIG)
        }
        #expect(isCooked())
        do {
            let raw = try RawTerminal(slave)
            #expect(!isCooked())
            raw.restore()
        }
        #expect(isCooked())
        func scope() throws {
            let raw = try RawTerminal(slave)
            #expect(!isCooked())
            _ = raw
        }
        try scope()
        #expect(isCooked())
    }

    @Test func `the master ends when the last slave is closed`() throws {
        var terminal = try PseudoTerminal()
        let slave = terminal.slave
        try Transfer.writeAll(try #require(slave), Array("hi".utf8))
        var buffer = [UInt8](repeating: 0, count: 16)
        let got = try buffer.withUnsafeMutableBytes { try Transfer.readAvailable(terminal.master.rawValue, into: $0) }
        #expect(got == .bytes(2))
        terminal.closeSlave()
        let afterwards = terminal.slave
        #expect(afterwards == nil)
        let end = try buffer.withUnsafeMutableBytes { try Transfer.readAvailable(terminal.master.rawValue, into: $0) }
        #expect(end == .end)
    }
}
