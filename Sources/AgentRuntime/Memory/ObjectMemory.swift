internal import LibOSModel

/// Typed memory that processes share by handles: objects, namespaces, views. Every operation is one step of a transaction, asks
/// the capability broker first and the store second, and leaves its event and audit record behind.
package struct ObjectMemory: Sendable {
    let authority: Authority

    package init(authority: Authority) { self.authority = authority }

    /// Bytes of a payload's canonical text: what the bridge between objects and files moves at most.
    package static let largestPayload = 10 << 20
    /// Bytes of an object's name.
    package static let longestName = 256
    /// Objects that one query or listing looks at.
    static let widestSearch = 10_000
}
