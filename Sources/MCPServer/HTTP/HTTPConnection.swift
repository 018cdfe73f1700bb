internal import ModelContextProtocol
internal import NIOCore
internal import NIOHTTP1
internal import StrictJSON

/// One connection: one request, one answer, and the end. A connection that ends before its answer cancels what was asked.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Stage {
        case waiting
        case reading(HTTPHead, [UInt8])
        case answering
    }

    /// Until a head is there, and then until the whole request is: who has shown no token yet is waited for less.
    private static let headPatience = TimeAmount.seconds(2)
    private static let patience = TimeAmount.seconds(20)

    private let core: ServerCore
    private let rules: HTTPRules
    private let calls: HTTPCalls
    private let admitted: @Sendable (any Channel) -> Void
    private var stage = Stage.waiting
    private var deadline: Scheduled<Void>?
    private var call: HTTPCall?

    /// - Parameter admitted: told when the head of a request is one that the server deals with.
    init(_ core: ServerCore, _ rules: HTTPRules, _ calls: HTTPCalls, admitted: @escaping @Sendable (any Channel) -> Void) {
        self.core = core
        self.rules = rules
        self.calls = calls
        self.admitted = admitted
    }

    func channelActive(context: ChannelHandlerContext) {
        wait(Self.headPatience, context)
        context.fireChannelActive()
    }

    private func wait(_ patience: TimeAmount, _ context: ChannelHandlerContext) {
        let channel = context.channel
        deadline?.cancel()
        deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        call?.cancel(because: "its client has left")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), stage) {
        case (.head(let request), .waiting):
            let head = HTTPHead(
                method: request.method.rawValue, target: request.uri, headers: request.headers.map { (name: $0.name, value: $0.value) })
            if let refusal = rules.refusal(of: head) { return answer(refusal, context) }
            if let length = head.only("Content-Length").flatMap(Int.init), length > Envelope.bounds.bytes { return tooLong(context) }
            admitted(context.channel)
            wait(Self.patience, context)
            stage = .reading(head, [])
        case (.body(var piece), .reading(let head, var body)):
            guard body.count + piece.readableBytes <= Envelope.bounds.bytes else { return tooLong(context) }
            stage = .waiting // the only one who holds the body: it grows in place
            body.append(contentsOf: piece.readBytes(length: piece.readableBytes) ?? [])
            stage = .reading(head, body)
        case (.end, .reading(let head, let body)):
            deadline?.cancel()
            receive(head, body, context)
        default: break // what follows a refusal, or comes before its turn
        }
    }

    private func tooLong(_ context: ChannelHandlerContext) {
        answer(.refused(413, "a message has at most \(Envelope.bounds.bytes) bytes"), context)
    }

    private func answer(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        stage = .answering
        HTTPResponse(context.channel).send(answer)
    }

    private func receive(_ head: HTTPHead, _ body: [UInt8], _ context: ChannelHandlerContext) {
        switch rules.read(head, body) {
        case .answer(let refusal): answer(refusal, context)
        case .request(let id, let method, let params, let client):
            do throws(ProtocolError) {
                switch try core.step(method, params, client) {
                case .result(let result): answer(.json(200, ServerMessage.result(id, result)), context)
                case .call(let call): start(id, call, client, head, context)
                }
            } catch {
                answer(.error(id, error), context)
            }
        }
    }

    private func start(
        _ id: RequestID, _ call: CallParameters, _ client: ClientContext, _ head: HTTPHead, _ context: ChannelHandlerContext
    ) {
        stage = .answering
        let response = HTTPResponse(context.channel)
        let accepts = head.values("Accept").joined(separator: ",").lowercased()
        let isStream = call.progressToken != nil && (accepts.contains("text/event-stream") || accepts.contains("*/*"))
        let (core, calls) = (core, calls)
        let events: @Sendable (JSONValue) -> Void = { message in response.send(event: message) }
        let channel = ClientChannel(send: isStream ? events : nil)
        let body: @Sendable () async -> Void = {
            if isStream { response.beginStream() }
            let result = ServerMessage.result(id, await core.perform(call, client, over: channel))
            if isStream {
                response.send(event: result)
                response.end()
            } else {
                response.send(.json(200, result))
            }
        }
        self.call = calls.start(body)
        if self.call == nil {
            response.send(.json(200, ServerMessage.result(id, core.result(of: core.overloaded(StreamEngine.mostCalls), client))))
        }
    }
}

/// What goes back over a connection, from whichever thread; in the order in which it is given.
struct HTTPResponse: Sendable {
    private let channel: any Channel

    init(_ channel: any Channel) { self.channel = channel }

    func send(_ answer: HTTPAnswer) {
        begin(answer.status, answer.headers.merging(["Content-Length": String(answer.body.count)]) { given, _ in given })
        if !answer.body.isEmpty { write(answer.body) }
        end()
    }

    func beginStream() {
        begin(200, ["Content-Type": "text/event-stream", "X-Accel-Buffering": "no"])
        channel.flush()
    }

    func send(event message: JSONValue) {
        write(Array("event: message\ndata: \(message.canonicalText)\n\n".utf8))
        channel.flush()
    }

    func end() {
        let channel = channel
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func begin(_ status: Int, _ headers: [String: String]) {
        var fields = HTTPHeaders([("Connection", "close"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")])
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { fields.add(name: name, value: value) }
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
    }

    private func write(_ bytes: [UInt8]) {
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
    }
}
