internal import Glibc
internal import LinuxPrimitives

/// Colour, where it is wanted.
package struct TextStyle: Sendable, Equatable {
    package enum Colour: String, Sendable {
        case red = "31", green = "32", yellow = "33", dim = "2", bold = "1"
    }

    package var usesColour: Bool

    package init(usesColour: Bool) { self.usesColour = usesColour }

    package static let plain = TextStyle(usesColour: false)

    /// For a descriptor, after no-color.org and CLICOLOR_FORCE: NO_COLOR wins over everything.
    package static func of(_ descriptor: Int32) -> TextStyle {
        decide(
            isTerminal: TerminalWindow.isTerminal(descriptor), noColor: variable("NO_COLOR"), force: variable("CLICOLOR_FORCE"),
            terminal: variable("TERM"))
    }

    package static func decide(isTerminal: Bool, noColor: String?, force: String?, terminal: String?) -> TextStyle {
        if let noColor, !noColor.isEmpty { return .plain }
        if let force, !force.isEmpty, force != "0" { return TextStyle(usesColour: true) }
        return TextStyle(usesColour: isTerminal && terminal != "dumb" && terminal != nil)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    package func callAsFunction(_ text: String, _ colour: Colour) -> String {
        usesColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
