internal import Glibc
internal import LinuxPrimitives
package import StrictJSON

/// What Glovebox itself says, on descriptors 1 and 2. Nothing is buffered, so nothing is lost at the end.
package enum Console {
    /// What a command was asked for. Half of it under a success would be taken for the whole (a policy without its denials), so a
    /// full disk ends the program with 125.
    package static func print(_ text: String) {
        do throws(CommandFailure) {
            try show(text)
        } catch {
            complain(error.message)
            exit(error.exitCode)
        }
    }

    /// The same for whoever has work under way that must end in order first.
    package static func show(_ text: String) throws(CommandFailure) {
        do throws(SystemError) {
            try Transfer.writeAll(1, Array((text + "\n").utf8))
        } catch {
            // A reader that is gone has nothing to be told.
            if error.errno == EPIPE { return }
            throw .failed("standard output could not be written (\(error.symbol)); make room, or send it elsewhere")
        }
    }

    package static func complain(_ text: String) { write("glovebox: \(SafeText.line(text))\n", to: 2) }
    package static func note(_ text: String) { write(text + "\n", to: 2) }

    /// A report. On a terminal, the characters that JSON leaves alone and terminals obey are shown as text.
    package static func printJSON(_ value: JSONValue) {
        let text = value.prettyText
        print(TerminalWindow.isTerminal(1) ? SafeText.clean(text) : text)
    }

    package static func write(_ text: String, to descriptor: Int32) {
        try? Transfer.writeAll(descriptor, Array(text.utf8)) // a reader that is gone has nothing to be told
    }
}
