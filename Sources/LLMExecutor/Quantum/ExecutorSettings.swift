package struct ExecutorSettings: Sendable {
    /// Model calls for one action, the first included, before the process is given up.
    package var attempts: Int
    package var parser: ActionParser
    /// Characters of content and of arguments that records quote.
    package var previewCharacters: Int
    /// Events of one turn that the context takes; more are counted and left out.
    package var eventLimit: Int

    package init(attempts: Int = 2, parser: ActionParser = ActionParser(), previewCharacters: Int = 500, eventLimit: Int = 20) {
        self.attempts = max(1, attempts)
        self.parser = parser
        self.previewCharacters = previewCharacters
        self.eventLimit = eventLimit
    }

    func preview(_ text: String) -> String { String(text.prefix(previewCharacters)) }
}
