package import StrictJSON

/// Why a policy cannot be used: where, what is wrong, and how to mend it.
package struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// File as the user named it, or `command line`.
    package var file: String
    /// 1-based; 0 when no place in a file is to blame.
    package var line: Int
    /// 1-based, in characters; 0 when unknown.
    package var column: Int
    package var message: String
    /// What to do about it, in words that can be followed.
    package var mend: String
    /// Further errors of the same document, in the order of their lines; this one is the headline.
    package var others: [PolicyError]

    package init(file: String, line: Int = 0, column: Int = 0, message: String, mend: String, others: [PolicyError] = []) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.mend = mend
        self.others = others
    }

    package init(file: String, at position: SourcePosition, message: String, mend: String) {
        self.init(file: file, line: position.line, column: position.column, message: message, mend: mend)
    }

    /// `file:line:column: message; mend`. Control characters of hostile input never reach a terminal.
    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return printable("\(place): \(message); \(mend)")
    }
}
