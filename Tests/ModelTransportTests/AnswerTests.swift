import LLMExecutor
import StrictJSON
import Testing

/// Answers as servers send them, over a real connection.
@Suite("Answers over HTTP", .timeLimit(.minutes(2)))
struct AnswerTests {
    @Test("a chunked stream, cut anywhere", arguments: [1, 2, 3, 7, 61, 65_536])
    func chunked(_ size: Int) async throws {
        let server = try ScriptedServer([[.read, .send(Wire.streamHead()), .send(Wire.chunks(Wire.callStream, of: size))]])
        let completion = try await TransportFixture.ask(server.baseURL).result.get()
        #expect(completion.toolCalls == [ModelToolCall(id: "c1", callID: "c1", name: "echo", arguments: .text(Wire.arguments))])
        #expect(completion.usage["total_tokens"] == .int(9))
        server.stop()
    }

    @Test("each byte in a packet of its own, head included")
    func byteByByte() async throws {
        let all = Wire.streamHead() + Wire.chunks(Wire.callStream, of: 5)
        let server = try ScriptedServer([[.read] + all.map { .send([$0]) }])
        let completion = try await TransportFixture.ask(server.baseURL).result.get()
        #expect(completion.toolCalls.map(\.arguments) == [.text(Wire.arguments)])
        server.stop()
    }

    @Test("a stream up to the end of the connection, and one that stays open after its last event")
    func otherFramings() async throws {
        let server = try ScriptedServer([
            [.read, .send(Wire.streamHead(chunked: false)), .send(Wire.bytes(Wire.callStream))],
            [.read, .send(Wire.streamHead()), .send(Wire.chunks(Wire.callStream, of: 99, ends: false)), .hold],
        ])
        for _ in 0..<2 {
            let completion = try await TransportFixture.ask(server.baseURL).result.get()
            #expect(completion.toolCalls.map(\.arguments) == [.text(Wire.arguments)])
        }
        #expect(await server.rest().contains(.clientLeft), "the connection is not left open")
    }

    @Test("interim answers come before the answer")
    func interim() async throws {
        let server = try ScriptedServer([
            [.read, .send(Wire.bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"))]
                + Wire.wholeStream.dropFirst()
        ])
        #expect(try await TransportFixture.ask(server.baseURL).result.get().toolCalls.count == 1)
        server.stop()
    }

    @Test("the request as the server sees it")
    func request() async throws {
        let server = try ScriptedServer([Wire.wholeStream])
        _ = try await TransportFixture.ask(server.baseURL).result.get()
        var seen = ""
        for case .request(let text) in await server.rest() { seen = text }
        let parts = seen.split(separator: "\r\n\r\n", maxSplits: 1)
        let lines = try #require(parts.first).split(separator: "\r\n").map { $0.lowercased() }
        #expect(lines.first == "post /v1/chat/completions http/1.1")
        #expect(lines.contains("host: \(server.address)"))
        #expect(lines.filter { $0.hasPrefix("authorization:") } == ["authorization: bearer \(TransportFixture.key)"])
        #expect(lines.contains("content-type: application/json") && lines.contains("accept: text/event-stream"))
        #expect(!lines.contains { $0.hasPrefix("accept-encoding") || $0.hasPrefix("proxy") || $0.hasPrefix("traceparent") })
        let body = try JSONDocument.read(
            Array(try #require(parts.last).utf8), bounds: DocumentBounds(bytes: 1 << 20, depth: 32, nodes: 1000)
        ).value
        #expect(body["stream"] == .bool(true) && body["model"] == .string("m"))
        #expect(!body.canonicalText.contains(TransportFixture.key))
    }

    @Test("whole answers share a connection")
    func reuse() async throws {
        let body = #"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#
        let exchange: [ScriptedServer.Step] = [.read, .send(Wire.answer(200, body, keep: true))]
        let server = try ScriptedServer([exchange + exchange + [.hold]])
        var settings = TransportFixture.settings(server.baseURL)
        settings.streams = false
        try await TransportFixture.asking(settings) { client, _ in
            for _ in 0..<2 {
                let completion = try await client.complete(TransportFixture.request)
                #expect(completion.content == "hi")
            }
        }
        let events = await server.rest()
        #expect(events.filter { $0 == .connected }.count == 1)
        #expect(events.contains(.clientLeft), "closed at the end of the scope")
    }

    @Test("429 is waited for as long as it asks, 5xx with growing pauses")
    func retries() async throws {
        let server = try ScriptedServer([
            [.read, .send(Wire.answer(429, #"{"error":{"message":"slow down"}}"#, ["retry-after: 7"]))],
            [.read, .send(Wire.answer(503, "busy", ["retry-after-ms: 1500"], type: "text/plain"))],
            [.read, .send(Wire.answer(500, ""))], [.read, .send(Wire.answer(502, "<html>bad gateway</html>", type: "text/html"))],
            Wire.wholeStream,
        ])
        let ended = try await TransportFixture.ask(server.baseURL) { $0.retries = 4 }
        #expect(try ended.result.get().toolCalls.count == 1)
        #expect(ended.pauses.count == 4 && ended.pauses[0] == 7 && ended.pauses[1] == 1.5)
        #expect(ended.pauses[2] > 0 && ended.pauses[3] > ended.pauses[2])
        let bodies = await server.rest().compactMap { event in
            if case .request(let text) = event { text.split(separator: "\r\n\r\n").last.map(String.init) } else { nil }
        }
        #expect(bodies.count == 5 && Set(bodies).count == 1, "each try is the same request")
    }

    @Test("an error that stays is told with the server's words")
    func lastingError() async throws {
        let server = try ScriptedServer(
            Array(repeating: [.read, .send(Wire.answer(500, #"{"error":{"message":"out of \u001b[2Jmemory"}}"#))], count: 3))
        let error = try #require(try await TransportFixture.ask(server.baseURL).error)
        #expect(error.status == 500 && error.code == .unavailable)
        #expect(error.message.contains("memory") && !error.message.contains("\u{1B}"))
        server.stop()
    }
}
