internal import Glibc
internal import LinuxPrimitives
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Serves 2026-07-28 over HTTP on this host's own address, to whoever has the token.
package struct HTTPServer: Sendable {
    package struct Failure: Error, Sendable, Equatable {
        /// One sentence.
        package var message: String
    }

    /// Connections at the same time, each with one request.
    private static let mostConnections = 64

    private let core: ServerCore
    private let token: [UInt8]

    package init(_ core: ServerCore, token: [UInt8]) {
        self.core = core
        self.token = token
    }

    /// - Parameters:
    ///   - address: of the loopback device; with port 0 a free one is taken.
    ///   - interruption: readable when the server is to stop.
    ///   - started: told the address under which it answers.
    /// - Returns: when every call has ended with its whole tree.
    package func run(
        address: LoopbackAddress, interruption: Int32, started: @Sendable (String) -> Void
    ) async throws(Failure) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let calls = HTTPCalls(most: StreamEngine.mostCalls)
        let open = OpenChannels(most: Self.mostConnections)
        let port = Mutex(0)
        let (core, token) = (core, token)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard open.add(channel) else { throw Failure(message: "too many connections") }
                    let rules = HTTPRules(token: token, port: port.withLock { $0 })
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
                    try pipeline.addHandler(HTTPConnection(core, rules, calls) { open.admit($0) })
                }
            }
        var failure: Failure?
        do {
            let server = try await bootstrap.bind(host: address.host, port: address.port).get()
            let taken = server.localAddress?.port ?? address.port
            port.withLock { $0 = taken }
            started("http://\(address.written):\(taken)\(HTTPRules.path)")
            await Self.wait(for: interruption)
            try? await server.close()
        } catch {
            failure = Failure(message: "\(address.written):\(address.port) cannot be served on: \(error)")
        }
        calls.note("the server was interrupted")
        open.close()
        await calls.close()
        try? await group.shutdownGracefully()
        if let failure { throw failure }
    }

    private static func wait(for descriptor: Int32) async {
        await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                _ = try? Polling.wait(descriptor, for: .readable, deadline: nil)
                continuation.resume()
            }
            if !isStarted { continuation.resume() }
        }
    }
}

/// An address that nobody outside of this host can reach: `127.0.0.1:8080`, `localhost:8080`, `[::1]:0`.
package struct LoopbackAddress: Sendable, Equatable {
    package var host: String
    package var port: Int

    package init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = UInt16(text[text.utf8.index(after: colon)...]) else {
            return nil
        }
        switch text[..<colon] {
        case "127.0.0.1", "localhost": host = "127.0.0.1"
        case "[::1]": host = "::1"
        default: return nil
        }
        self.port = Int(port)
    }

    var written: String { host == "::1" ? "[::1]" : host }
}

/// Connections that are open, so that the end of the server is theirs. When there are too many, the oldest that has shown no token makes
/// room: whoever only connects and waits keeps nobody else out.
private final class OpenChannels: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        /// Those that have shown no token yet, in the order in which they came.
        var strangers: [ObjectIdentifier] = []
        var isClosed = false
    }

    private let most: Int
    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    func add(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let (isTaken, displaced) = state.withLock { state -> (Bool, (any Channel)?) in
            guard !state.isClosed else { return (false, nil) }
            var displaced: (any Channel)?
            if state.channels.count >= most {
                guard let oldest = state.strangers.first else { return (false, nil) }
                state.strangers.removeFirst()
                displaced = state.channels.removeValue(forKey: oldest)
            }
            state.channels[id] = channel
            state.strangers.append(id)
            return (true, displaced)
        }
        displaced?.close(promise: nil)
        if isTaken {
            channel.closeFuture.whenComplete { [self] _ in
                state.withLock { state in
                    state.channels[id] = nil
                    state.strangers.removeAll { $0 == id }
                }
            }
        }
        return isTaken
    }

    /// It has shown the token: none that comes later takes its place.
    func admit(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { $0.strangers.removeAll { $0 == id } }
    }

    func close() {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
