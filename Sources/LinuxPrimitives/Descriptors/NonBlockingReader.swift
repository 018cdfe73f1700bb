internal import CLinuxShims
package import Glibc

/// Reads from a descriptor of somebody else's without waiting: another reader of the same terminal or pipe may take what poll
/// has promised.
package struct NonBlockingReader: ~Copyable {
    private let number: Int32
    private let isSocket: Bool
    /// Opened anew, non-blocking; nil for what never waits, and where that is not allowed: then poll's word has to do.
    private let own: OwnedDescriptor?

    /// - Parameter number: borrowed, open as long as this lives.
    package init(_ number: Int32) {
        self.number = number
        let identity = try? FileIdentity.of(number)
        isSocket = identity?.isSocket ?? false
        guard let identity, !identity.isRegularFile, !identity.isSocket else {
            own = nil
            return
        }
        let opened = open("/proc/self/fd/\(number)", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        own = opened >= 0 ? OwnedDescriptor(adopting: opened) : nil
    }

    /// Ready when there is something to read, or the end. The descriptor itself is asked: one that was opened after a pipe's
    /// last writer had gone is never told of the end.
    package var pollEntry: pollfd { pollfd(fd: number, events: Int16(POLLIN), revents: 0) }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer.Available {
        guard isSocket else { return try Transfer.readAvailable(own.number ?? number, into: buffer) }
        do {
            let count = try retrying("recv", "descriptor \(number)") {
                libc(recv(number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)))
            }
            return count == 0 ? .end : .bytes(count)
        } catch  where error.isWouldBlock {
            return .nothing
        }
    }
}
