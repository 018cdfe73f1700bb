internal import Glibc
package import LinuxPrimitives

/// Reads lines from a descriptor as they come, each within a deadline: how a test waits for its tool to have reached a point.
package struct LineReader: ~Copyable {
    private let source: OwnedDescriptor
    private var pending: [UInt8] = []

    package init(_ source: consuming OwnedDescriptor) { self.source = source }

    /// The next line without its end; nil at the end of the stream or after 30 seconds.
    package mutating func next() throws -> String? {
        let deadline = MonotonicClock.now() + 30_000_000_000
        while true {
            if let cut = pending.firstIndex(of: 0x0A) {
                let line = String(decoding: pending[..<cut], as: UTF8.self)
                pending.removeFirst(cut + 1)
                return line
            }
            guard try Polling.wait(source.rawValue, for: .readable, deadline: deadline) else { return nil }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = try buffer.withUnsafeMutableBytes { try Transfer.read(source.rawValue, into: $0) }
            guard count > 0 else { return nil }
            pending += buffer[..<count]
        }
    }
}
