internal import Glibc

/// Reading and writing with short transfers and interruptions handled, once for everybody.
///
/// Descriptors are borrowed numbers. A write to a pipe or socket without a reader raises SIGPIPE unless the process ignores
/// it; with it ignored it is EPIPE.
package enum Transfer {
    /// One `read`. 0 is the end.
    package static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try retrying("read", "descriptor \(descriptor)") { libc(Glibc.read(descriptor, buffer.baseAddress, buffer.count)) }
    }

    /// One `write`; may take less than the buffer.
    package static func write(_ descriptor: Int32, from buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try retrying("write", "descriptor \(descriptor)") { libc(Glibc.write(descriptor, buffer.baseAddress, buffer.count)) }
    }

    package enum Available: Equatable, Sendable {
        /// Bytes that were put into the buffer, at least 1.
        case bytes(Int)
        /// Nothing now (non-blocking descriptors only).
        case nothing
        case end
    }

    /// What there is, up to the size of the buffer. The other side of a pty that has gone (EIO) counts as the end.
    package static func readAvailable(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Available {
        do {
            let count = try read(descriptor, into: buffer)
            return count == 0 ? .end : .bytes(count)
        } catch  where error.isWouldBlock {
            return .nothing
        } catch  where error.errno == EIO {
            return .end
        }
    }

    /// A file of known size, in one call; a file that has become shorter or longer meanwhile is EAGAIN.
    package static func readAll(_ descriptor: Int32, size: Int) throws(SystemError) -> [UInt8] {
        // One byte more shows that there is more.
        var bytes = [UInt8](repeating: 0, count: size + 1)
        let count = try bytes.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
            try read(descriptor, into: UnsafeMutableRawBufferPointer(room))
        }
        bytes.removeLast()
        if count != size { throw SystemError(errno: EAGAIN, operation: "read", object: "a file that changes") }
        return bytes
    }

    /// Everything up to the end of the file. More than `limit` bytes is EFBIG.
    package static func readAll(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try chunk.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
                try read(descriptor, into: UnsafeMutableRawBufferPointer(room))
            }
            if count == 0 { return bytes }
            if bytes.count + count > limit {
                throw SystemError(errno: EFBIG, operation: "read", object: "more than \(limit) bytes")
            }
            bytes.append(contentsOf: chunk[..<count])
            if count == chunk.count, chunk.count < 1 << 18 { // large file: fewer calls
                chunk = [UInt8](repeating: 0, count: chunk.count * 4)
            }
        }
    }

    /// The whole buffer, waiting where the descriptor (even a non-blocking one) takes no more for now.
    package static func writeAll(_ descriptor: Int32, from buffer: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = buffer
        while !rest.isEmpty {
            do {
                let count = try write(descriptor, from: rest)
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } catch  where error.isWouldBlock {
                _ = try Polling.wait(descriptor, for: .writable, deadline: nil)
            }
        }
    }

    package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            try writeAll(descriptor, from: UnsafeRawBufferPointer(buffer))
        }
    }

    /// The whole buffer at an offset of a file, leaving its position alone.
    package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) throws(SystemError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            let raw = UnsafeRawBufferPointer(buffer)
            var done = 0
            while done < raw.count {
                let rest = UnsafeRawBufferPointer(rebasing: raw[done...])
                done += try retrying("pwrite", "descriptor \(descriptor)") {
                    libc(Glibc.pwrite(descriptor, rest.baseAddress, rest.count, offset + done))
                }
            }
        }
    }
}
