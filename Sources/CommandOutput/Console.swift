internal import Glibc
internal import LinuxPrimitives
package import StrictJSON
internal import Synchronization

/// What Glovebox itself says, on descriptors 1 and 2. Nothing is buffered, so nothing is lost at the end; where somebody waits for more
/// important things, see `neverWait`.
package enum Console {
    /// What a command was asked for. Half of it under a success would be taken for the whole (a policy without its denials), so a
    /// full disk ends the program with 125.
    package static func print(_ text: String) { printBytes(Array((text + "\n").utf8)) }

    /// The same, without an end of the line.
    package static func printBytes(_ bytes: [UInt8]) {
        do throws(CommandFailure) {
            try show(bytes)
        } catch {
            complain(error.message)
            settle()
            exit(error.exitCode)
        }
    }

    /// The same for whoever has work under way that must end in order first.
    package static func show(_ text: String) throws(CommandFailure) { try show(Array((text + "\n").utf8)) }

    private static func show(_ bytes: [UInt8]) throws(CommandFailure) {
        do throws(SystemError) {
            try Transfer.writeAll(1, bytes)
        } catch {
            // A reader that is gone has nothing to be told.
            if error.errno == EPIPE { return }
            throw .failed("standard output could not be written (\(error.symbol)); make room, or send it elsewhere")
        }
    }

    package static func complain(_ text: String) { write("glovebox: \(SafeText.line(text))\n", to: 2) }
    package static func note(_ text: String) { write(text + "\n", to: 2) }

    private static let notes = Mutex<NoteQueue?>(nil)

    /// From now on nobody waits for the reader of standard error: a client that starts a server and never reads what it logs must get its
    /// answers, and end it.
    package static func neverWait() {
        notes.withLock { if $0 == nil { $0 = NoteQueue(2) } }
    }

    /// Call last: gives a slow reader the rest of what was said since `neverWait`, and one that does not read a second.
    package static func settle() { notes.withLock { $0 }?.settle(milliseconds: 1_000) }

    /// A report. On a terminal, the characters that JSON leaves alone and terminals obey are shown as text.
    package static func printJSON(_ value: JSONValue) {
        let text = value.prettyText
        print(TerminalWindow.isTerminal(1) ? SafeText.clean(text) : text)
    }

    package static func write(_ text: String, to descriptor: Int32) {
        if descriptor == 2, let notes = notes.withLock({ $0 }) { return notes.post(text) }
        try? Transfer.writeAll(descriptor, Array(text.utf8)) // a reader that is gone has nothing to be told
    }
}
