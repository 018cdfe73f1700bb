internal import CLinuxShims
internal import Glibc

/// A connected unix byte stream whose reader learns who wrote: the kernel notes the writer's pid with each piece.
package enum AttributedStream {
    package enum Piece: Sendable, Equatable {
        /// Bytes put into the buffer, at least 1, all of one writer; its pid in our pid namespace, 0 when we cannot see it. Descriptors
        /// that were passed along were closed unopened.
        case bytes(Int, writer: Int32, droppedDescriptors: Bool)
        /// Nothing now.
        case nothing
        case end
    }

    /// Must come before the peer can write: earlier bytes carry no name.
    package static func enable(on socket: Int32) throws(SystemError) {
        _ = try checked(gbx_pass_credentials(socket), "setsockopt SO_PASSCRED", "descriptor \(socket)")
    }

    /// Never waits.
    package static func read(_ socket: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Piece {
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return .nothing }
        var writer: Int32 = 0
        var dropped: Int32 = 0
        do {
            let count = try retrying("recvmsg", "descriptor \(socket)") {
                gbx_receive_from_writer(socket, base, buffer.count, &writer, &dropped)
            }
            return count == 0 ? .end : .bytes(Int(count), writer: writer, droppedDescriptors: dropped != 0)
        } catch  where error.isWouldBlock {
            return .nothing
        } catch  where error.errno == ECONNRESET {
            return .end
        }
    }

    /// One piece with copies of descriptors, never waiting; returns how many bytes were taken. A peer that has gone is EPIPE.
    package static func write(
        _ socket: Int32, _ bytes: UnsafeRawBufferPointer, descriptors: [Int32] = []
    ) throws(SystemError) -> Int {
        Int(
            try retrying("sendmsg", "descriptor \(socket)") {
                gbx_send_message(socket, bytes.baseAddress, bytes.count, nil, 0, descriptors, descriptors.count, 1)
            })
    }
}
