internal import CLinuxShims
internal import Glibc

/// The caller's terminal in raw mode, for as long as this lives: keys go to the tool unread.
package struct RawTerminal: ~Copyable, Sendable {
    private let terminal: Int32
    private let previous: gbx_terminal_state

    /// Switches a borrowed terminal, which must stay open longer than this value.
    package init(_ terminal: Int32) throws(SystemError) {
        var state = gbx_terminal_state()
        _ = try retrying("tcsetattr", "descriptor \(terminal)") { gbx_terminal_make_raw(terminal, &state) }
        self.terminal = terminal
        previous = state
    }

    deinit {
        // A terminal that has gone needs no restoring.
        RawTerminal.restore(terminal, previous)
    }

    /// Gives the terminal its settings back now.
    package consuming func restore() {}

    private static func restore(_ terminal: Int32, _ state: gbx_terminal_state) {
        var state = state
        while gbx_terminal_restore(terminal, &state) == -EINTR {}
    }
}
