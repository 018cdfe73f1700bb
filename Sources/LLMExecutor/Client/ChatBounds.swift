/// How much is taken from a provider before it is taken for hostile.
package struct ChatBounds: Sendable, Hashable {
    /// Characters of text, and of reasoning.
    package var content = 262_144
    package var toolCalls = 256
    /// Bytes of one call's arguments.
    package var arguments = 262_144
    /// Bytes of all calls' arguments.
    package var allArguments = 1 << 20
    /// Bytes of one body or of one event.
    package var body = 8 << 20
    /// Bytes of a whole stream.
    package var stream = 32 << 20
    package var errorBody = 64 << 10

    package init() {}
}
