package import LinuxPrimitives
internal import Synchronization

/// The tool's end of a pipe whose other end stays with whoever made it: for tools that are talked with as long as they run. The run
/// neither reads nor counts what goes through.
package final class ToolStream: Sendable {
    private let end: Mutex<OwnedDescriptor?>

    /// - Parameter end: closed here once the tool has it, so that its last holder is inside and the other side sees the tool's end.
    package init(end: consuming OwnedDescriptor) { self.end = Mutex(end) }

    /// Lets our copy go. For runs that were never asked for; a run lets it go itself.
    package func close() { end.withLock { $0 = nil } }

    func duplicated() throws(SystemError) -> OwnedDescriptor {
        try end.withLock { (end: inout OwnedDescriptor?) throws(SystemError) in
            guard let number = end.number else { throw SystemError(errno: 9, operation: "a tool's stream", object: "already closed") }
            return try OwnedDescriptor.duplicating(number)
        }
    }
}
