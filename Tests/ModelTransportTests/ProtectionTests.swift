import LLMExecutor
import Testing

@testable import ModelTransport

/// What must hold whatever the server does: cancelling ends the request, and the key stays with its server.
@Suite("Cancellation and the key", .timeLimit(.minutes(2)))
struct ProtectionTests {
    private static let waits: [[ScriptedServer.Step]] = [
        [.read, .hold], [.read, .send(Wire.streamHead()), .send(Wire.chunks(Wire.callEvents, of: 9, ends: false)), .hold],
        [.read, .send(Wire.streamHead(chunked: false)), .flood(Wire.bytes(": more\n\n"))],
    ]

    @Test("cancelling closes the connection", arguments: waits.indices)
    func cancelled(_ index: Int) async throws {
        let server = try ScriptedServer([Self.waits[index]])
        var settings = TransportFixture.settings(server.baseURL)
        settings.bounds.stream = .max
        try await TransportFixture.asking(settings) { client, pauses in
            let task = Task { try await client.complete(TransportFixture.request) }
            var events = server.events.makeAsyncIterator()
            while let event = await events.next() {
                if case .request = event { break }
            }
            task.cancel()
            let error = await #expect(throws: ModelError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(pauses().isEmpty, "it is not tried again")
            // While the transport still lives: it is the cancellation that closes.
            var left = false
            while !left, let event = await events.next() { left = event == .clientLeft }
            #expect(left)
        }
        server.stop()
    }

    @Test("a request that is cancelled before it begins reaches nobody")
    func cancelledBefore() async throws {
        let server = try ScriptedServer([[.read, .hold]])
        let settings = TransportFixture.settings(server.baseURL)
        let error = await #expect(throws: ModelError.self) {
            try await TransportFixture.asking(settings) { client, _ in
                let task = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return try await client.complete(TransportFixture.request)
                }
                return try await task.value
            }
        }
        #expect(error?.code == .cancelled)
        #expect(await !server.rest().contains { if case .request = $0 { true } else { false } })
    }

    @Test("a server that throws the key back does not put it into an error", arguments: [400, 401, 403, 500])
    func echoedKey(_ status: Int) async throws {
        let body = #"{"error":{"message":"no such key: \#(TransportFixture.key)"}}"#
        let server = try ScriptedServer(Array(repeating: [.read, .send(Wire.answer(status, body))], count: 3))
        let error = try #require(try await TransportFixture.ask(server.baseURL).error)
        #expect(error.message.contains("no such key: (key)") && !"\(error)".contains(TransportFixture.key), "\(error.message)")
        server.stop()
    }

    @Test("plain http to another machine is refused by the transport itself")
    func plainHTTP() async throws {
        // 192.0.2.1 is nobody's; without the check the connection would be tried, and the code would be another.
        let ended = try await TransportFixture.ask("http://192.0.2.1/v1")
        #expect(ended.error?.code == .configuration && ended.pauses.isEmpty)
        for url in ["http://user@127.0.0.1/v1", "unix:///run/x", "http+unix://x/v1", "127.0.0.1/v1"] {
            #expect(try await TransportFixture.ask(url).error?.code == .configuration, "\(url)")
        }
    }

    @Test("over https nothing is said in the clear")
    func noPlainWords() async throws {
        let server = try ScriptedServer([[.send(Wire.bytes("HTTP/1.1 200 OK\r\n\r\n")), .hold]])
        let ended = try await TransportFixture.ask("https://\(server.address)/v1")
        #expect(ended.error?.code == .unavailable && ended.pauses.isEmpty, "\(ended.result)")
        #expect(try #require(ended.error).message.contains("TLS"))
        server.stop()
    }

    @Test("authorities that cannot be read stop before anything is sent")
    func authorities() async throws {
        for path in ["/nowhere.pem", "/dev/null", "/etc/hostname"] {
            let error = await #expect(throws: ModelError.self) {
                _ = try await TransportFixture.ask("https://127.0.0.1:1/v1") { $0.authorities = path }
            }
            #expect(error?.code == .configuration, "\(path)")
        }
    }
}
