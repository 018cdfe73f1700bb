/// Text that no record, message or debugger print shows.
package struct SecretText: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let value: String
    package init(_ value: String) { self.value = value }
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Shorter ones are the made-up keys of local servers, and would tear holes into ordinary words.
    private static let shortestRedacted = 8

    /// Takes this secret out of what somebody else wrote: servers quote the key that they refuse.
    package func redacted(from text: String) -> String {
        value.utf8.count < Self.shortestRedacted ? text : text.replacing(value, with: "(key)")
    }
}
