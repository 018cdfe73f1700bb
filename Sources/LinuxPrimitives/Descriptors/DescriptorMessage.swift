internal import CLinuxShims
internal import Glibc

/// Messages with descriptors over a unix SOCK_SEQPACKET or datagram socket.
///
/// Sockets are borrowed numbers. A non-blocking socket that is full or empty gives an error with `isWouldBlock`.
package enum DescriptorMessage {
    /// Descriptors that one message can carry.
    package static let maximumDescriptors = Int(GBX_MAX_PASSED_DESCRIPTORS)

    /// One message of header and body, with copies of the descriptors. A peer that has gone is EPIPE, never a signal.
    package static func send(
        on socket: Int32, header: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        descriptors: [Int32] = []
    ) throws(SystemError) {
        let sent = try retrying("sendmsg", "descriptor \(socket)") {
            gbx_send_message(socket, header.baseAddress, header.count, body.baseAddress, body.count, descriptors, descriptors.count, 0)
        }
        if sent != Int64(header.count + body.count) { // a stream socket, or no unix socket
            throw SystemError(errno: EMSGSIZE, operation: "sendmsg", object: "descriptor \(socket)")
        }
    }

    package static func send(
        on socket: Int32, header: [UInt8], body: [UInt8] = [], descriptors: [Int32] = []
    ) throws(SystemError) {
        try header.withUnsafeBufferPointer { (header) throws(SystemError) in
            try body.withUnsafeBufferPointer { (body) throws(SystemError) in
                try send(
                    on: socket, header: UnsafeRawBufferPointer(header), body: UnsafeRawBufferPointer(body), descriptors: descriptors)
            }
        }
    }

    /// Bytes of all messages that wait to be received.
    package static func waitingBytes(on socket: Int32) -> Int { max(0, Int(gbx_readable_bytes(socket))) }

    /// The next message, or nil at the end. A message of more bytes or descriptors than given here is EMSGSIZE; it is gone,
    /// and the descriptors it carried are closed.
    package static func receive(
        on socket: Int32, maxBytes: Int, maxDescriptors: Int
    ) throws(SystemError) -> ReceivedMessage? {
        var bytes = [UInt8](repeating: 0, count: maxBytes)
        var descriptors = [Int32](repeating: -1, count: min(maxDescriptors, maximumDescriptors))
        var descriptorCount = 0
        let count = try retrying("recvmsg", "descriptor \(socket)") {
            gbx_receive_message(socket, &bytes, bytes.count, &descriptors, descriptors.count, &descriptorCount, 0)
        }
        descriptors.removeLast(descriptors.count - descriptorCount)
        bytes.removeLast(bytes.count - Int(count))
        if count == 0 && descriptorCount == 0 { return nil }
        return ReceivedMessage(bytes: bytes, descriptors: descriptors)
    }
}

/// What came in one message. Descriptors that nobody takes are closed with it.
package struct ReceivedMessage: ~Copyable, Sendable {
    package let bytes: [UInt8]
    /// Numbers in the order in which they were passed; -1 where one was taken.
    private var descriptors: [Int32]

    internal init(bytes: [UInt8], descriptors: [Int32]) {
        self.bytes = bytes
        self.descriptors = descriptors
    }

    deinit {
        for number in descriptors where number >= 0 { _ = Glibc.close(number) }
    }

    /// How many descriptors came with the message, taken or not.
    package var descriptorCount: Int { descriptors.count }

    /// The descriptor at an index, or nil when there is none or it was taken before.
    package mutating func takeDescriptor(_ index: Int) -> OwnedDescriptor? {
        guard descriptors.indices.contains(index), descriptors[index] >= 0 else { return nil }
        let number = descriptors[index]
        descriptors[index] = -1
        return OwnedDescriptor(adopting: number)
    }
}

/// Who is at the other end of a connected unix socket, as the kernel noted it at connect time.
package struct PeerCredentials: Sendable, Equatable {
    /// In our pid namespace; 0 when it is not visible there.
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32

    package static func of(socket: Int32) throws(SystemError) -> PeerCredentials {
        var peer = gbx_peer()
        _ = try checked(gbx_peer_credentials(socket, &peer), "getsockopt SO_PEERCRED", "descriptor \(socket)")
        return PeerCredentials(pid: peer.pid, uid: peer.uid, gid: peer.gid)
    }
}
