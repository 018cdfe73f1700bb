internal import CLinuxShims

/// A pty of ours: the supervisor keeps the master, the tool gets the slave.
package struct PseudoTerminal: ~Copyable, Sendable {
    package let master: OwnedDescriptor
    private var slaveEnd: OwnedDescriptor?

    package init() throws(SystemError) {
        let opened = OwnedDescriptor(adopting: try checked(gbx_open_terminal_master(), "posix_openpt"))
        slaveEnd = OwnedDescriptor(adopting: try checked(gbx_open_terminal_slave(opened.rawValue), "ioctl TIOCGPTPEER"))
        master = opened
    }

    /// The tool's end, borrowed; nil once it was closed.
    package var slave: Int32? {
        switch slaveEnd {
        case .some(let end): end.rawValue
        case nil: nil
        }
    }

    /// Closes our copy of the tool's end: after that, reading the master ends when the tool's last copy is closed.
    package mutating func closeSlave() {
        slaveEnd = nil
    }
}

/// Size of a terminal's window.
package struct TerminalWindow: Sendable, Equatable {
    package var rows: UInt16
    package var columns: UInt16
    package var widthPixels: UInt16
    package var heightPixels: UInt16

    package init(rows: UInt16, columns: UInt16, widthPixels: UInt16 = 0, heightPixels: UInt16 = 0) {
        self.rows = rows
        self.columns = columns
        self.widthPixels = widthPixels
        self.heightPixels = heightPixels
    }

    package init(of terminal: Int32) throws(SystemError) {
        var window = gbx_window()
        _ = try checked(gbx_terminal_window(terminal, &window), "ioctl TIOCGWINSZ", "descriptor \(terminal)")
        self.init(rows: window.rows, columns: window.columns, widthPixels: window.width_pixels, heightPixels: window.height_pixels)
    }

    /// Sets it; the terminal's foreground processes get SIGWINCH when it changed.
    package func apply(to terminal: Int32) throws(SystemError) {
        var window = gbx_window(rows: rows, columns: columns, width_pixels: widthPixels, height_pixels: heightPixels)
        _ = try checked(gbx_set_terminal_window(terminal, &window), "ioctl TIOCSWINSZ", "descriptor \(terminal)")
    }

    package static func isTerminal(_ descriptor: Int32) -> Bool { gbx_is_terminal(descriptor) == 1 }
}
