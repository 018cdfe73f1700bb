internal import SandboxLauncher

/// Text of tools, files and command lines on its way to a terminal: one line, nothing that a terminal obeys.
package enum SafeText {
    package static func line(_ text: String) -> String {
        let cleaned = clean(text)
        guard cleaned.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) else { return cleaned }
        return cleaned.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// The same, lines kept.
    package static func clean(_ text: String) -> String {
        var cleaner = TerminalText()
        var bytes = Array(text.utf8).withUnsafeBytes { cleaner.clean($0) }
        bytes += cleaner.finish()
        return String(decoding: bytes, as: UTF8.self)
    }
}
