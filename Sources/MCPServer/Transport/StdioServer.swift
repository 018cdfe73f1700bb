internal import Glibc
package import LinuxPrimitives
internal import ModelContextProtocol
internal import StrictJSON

/// Serves one client over two descriptors, until it closes its end or the program is asked to stop.
package struct StdioServer: Sendable {
    private let core: ServerCore
    private let input: Int32
    private let output: Int32

    private let mostBacklog: Int

    /// POLLRDHUP: the other side of a socket sends no more. A pipe tells the same by POLLHUP.
    private static let peerHangUp: Int16 = 0x2000

    /// - Parameter mostBacklog: bytes of answers that a client leaves unread before nothing more of it is read.
    package init(_ core: ServerCore, input: Int32 = 0, output: Int32 = 1, mostBacklog: Int = 32 << 20) {
        self.mostBacklog = mostBacklog
        self.core = core
        self.input = input
        self.output = output
    }

    /// - Parameter interruption: readable when the server is to stop.
    /// - Returns: when every call has ended with its whole tree.
    package func run(interruption: Int32) async throws(SystemError) {
        let writer = LineWriter(output)
        let engine = StreamEngine(core) { writer.write($0) }
        let (input, output, mostBacklog) = (input, output, mostBacklog)
        let end: End? = await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                continuation.resume(returning: Self.read(input, output, interruption, mostBacklog, writer, engine))
            }
            if !isStarted { continuation.resume(returning: nil) }
        }
        switch end {
        case .interrupted: await engine.close(because: "the server was interrupted")
        case .left, nil: await engine.close()
        }
        await writer.drain(milliseconds: 1_000)
        if end == nil { throw SystemError(errno: EAGAIN, operation: "pthread_create") }
    }

    private enum End {
        case left
        case interrupted
    }

    private static func read(
        _ input: Int32, _ output: Int32, _ interruption: Int32, _ mostBacklog: Int, _ writer: LineWriter, _ engine: StreamEngine
    ) -> End {
        var reader = MessageLineReader(longest: Envelope.bounds.bytes)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !writer.isBroken {
            let isFull = writer.backlog > mostBacklog
            var entries = [
                pollfd(fd: interruption, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: isFull ? peerHangUp : Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: 0, revents: 0), // tells when nobody reads it any more
            ]
            // A reader that is slow tells nobody when it has caught up.
            let waited: Int? = isFull ? try? Polling.wait(&entries, timeoutMilliseconds: 10) : try? Polling.wait(&entries, deadline: nil)
            if entries[0].revents != 0 { return .interrupted }
            if waited == nil || entries[2].revents != 0 { return .left }
            if isFull {
                // Whoever neither reads nor has anything more to say is gone: nobody would ever take what waits.
                if entries[1].revents != 0 { return .left }
                continue
            }
            if entries[1].revents == 0 { continue }
            let taken = buffer.withUnsafeMutableBytes { bytes in (try? Transfer.readAvailable(input, into: bytes)) ?? .end }
            var count = 0
            switch taken {
            case .nothing: continue
            case .bytes(let number): count = number
            case .end: buffer[0] = 0x0A // a last line may come without its newline
            }
            buffer.withUnsafeBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0.prefix(max(count, 1)))) }
            while let item = reader.next() { engine.receive(item) }
            if taken == .end { return .left }
        }
        return .left
    }
}
