internal import CLinuxShims

/// Two ends of something: what is written to one is read from the other. Each end is taken out once; what stays is closed
/// with the pair.
package struct DescriptorPair: ~Copyable, Sendable {
    private var first: OwnedDescriptor?
    private var second: OwnedDescriptor?

    private init(_ ends: (Int32, Int32)) {
        first = OwnedDescriptor(adopting: ends.0)
        second = OwnedDescriptor(adopting: ends.1)
    }

    internal static func make(
        _ operation: String, _ call: (UnsafeMutablePointer<Int32>) -> Int32
    ) throws(SystemError) -> DescriptorPair {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &ends) { raw in
            raw.withMemoryRebound(to: Int32.self) { $0.baseAddress.map(call) ?? -1 }
        }
        _ = try checked(result, operation)
        return DescriptorPair(ends)
    }

    /// The reading end of a pipe, or one end of a socket pair. A second call traps: the end has an owner already.
    package mutating func takeFirst() -> OwnedDescriptor {
        guard let end = first.take() else { preconditionFailure("the first end has an owner already") }
        return end
    }

    /// The writing end of a pipe, or the other end of a socket pair. A second call traps: the end has an owner already.
    package mutating func takeSecond() -> OwnedDescriptor {
        guard let end = second.take() else { preconditionFailure("the second end has an owner already") }
        return end
    }
}

/// A pipe: first end reads, second end writes.
package enum Pipe {
    package static func make() throws(SystemError) -> DescriptorPair {
        try DescriptorPair.make("pipe2") { gbx_pipe($0) }
    }
}

/// Connected unix sockets.
package enum SocketPair {
    /// Message boundaries are kept, and the end is seen: for control sockets.
    package static func sequencedPacket() throws(SystemError) -> DescriptorPair {
        try DescriptorPair.make("socketpair") { gbx_seqpacket_pair($0) }
    }

    /// Bytes: for channels.
    package static func stream() throws(SystemError) -> DescriptorPair {
        try DescriptorPair.make("socketpair") { gbx_stream_pair($0) }
    }
}
