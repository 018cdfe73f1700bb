internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

extension Identifier {
    /// An id that was typed.
    static func typed(_ text: String, _ what: String, listedBy command: String) throws(CommandFailure) -> Self {
        guard let id = Self(text) else {
            throw .usage("`\(printable(text))` is no id of a \(what): those begin with \(Kind.prefix)_; `glovebox \(command)` lists them")
        }
        return id
    }
}

extension ProcessID {
    static func typed(_ text: String) throws(CommandFailure) -> Self { try typed(text, "process", listedBy: "agent ps") }
}
