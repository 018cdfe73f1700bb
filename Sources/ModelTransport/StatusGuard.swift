internal import NIOCore
internal import NIOHTTP1

/// Fails a connection whose server answers with a status below 100, which HTTP does not have.
///
/// The client library passes over every head below 200 and its decoder every body from 100 to 199: of an answer below 100 the end
/// alone arrives, and the library ends the program then. So such a head must not reach it.
final class StatusGuard: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    struct NoSuchStatus: Error {}

    private var isBroken = false

    /// Puts a guard between the decoder and whoever takes the answers. Must be called on the channel's event loop.
    static func install(in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(StatusGuard(), position: .after(decoder))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The decoder goes on with what it holds already.
        if isBroken { return }
        if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
            isBroken = true
            context.fireErrorCaught(NoSuchStatus())
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }
}
