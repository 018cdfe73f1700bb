import Glibc
import LLMExecutor
import LinuxPrimitives
import Testing

@testable import ModelTransport

/// Servers that break, stall, flood or are not there.
@Suite("Broken servers", .timeLimit(.minutes(2)))
struct BrokenServerTests {
    /// Ways to lose half of an answer. None of them may pass for a whole one.
    private static let cuts: [[ScriptedServer.Step]] = [
        [], // closed at once
        [.read],
        [.read, .send(Wire.bytes("HTTP/1.1 200 OK\r\ncontent-"))],
        [.read, .send(Wire.streamHead())],
        [.read, .send(Wire.streamHead()), .send(Wire.bytes("ff\r\ndata: {"))],
        // Every event but the one with the reason it ended, and a proper end of the body.
        [.read, .send(Wire.streamHead()), .send(Wire.chunks(cutEvents, of: 40))],
        // The same up to the end of the connection.
        [.read, .send(Wire.streamHead(chunked: false)), .send(Wire.bytes(cutEvents))],
        [
            .read,
            .send(Wire.bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n" + cutEvents)),
        ],
        // One event is garbled.
        [.read, .send(Wire.streamHead()), .send(Wire.chunks(cutEvents + "data: {\"cho\n\ndata: [DONE]\n\n", of: 64))],
    ]
    private static let cutEvents = Wire.delta(
        #"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"echo","arguments":"{\"text\":\"rm\"}"}}]}"#)

    @Test("an answer that was cut is asked for again", arguments: cuts.indices)
    func cut(_ index: Int) async throws {
        let server = try ScriptedServer([Self.cuts[index], Wire.wholeStream])
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(try ended.result.get().toolCalls.map(\.arguments) == [.text(Wire.arguments)])
        #expect(ended.pauses.count == 1)
        server.stop()
    }

    @Test("an answer that is always cut is an error, never a call", arguments: cuts.indices)
    func alwaysCut(_ index: Int) async throws {
        let server = try ScriptedServer(Array(repeating: Self.cuts[index], count: 3))
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(ended.error?.code == .unavailable || ended.error?.code == .malformed, "\(ended.result)")
        #expect(ended.pauses.count == 2)
        #expect(await server.rest().filter { $0 == .connected }.count == 3)
    }

    private static let stalls: [[ScriptedServer.Step]] = [
        [.hold], [.read, .hold], [.read, .send(Wire.bytes("HTTP/1.1 200 OK\r\ncontent-type: te")), .hold],
        [.read, .send(Wire.streamHead()), .hold],
        [.read, .send(Wire.streamHead()), .send(Wire.chunks(Wire.callEvents, of: 30, ends: false).dropLast(40)), .hold],
    ]

    @Test("a server that falls silent is left, and asked again", arguments: stalls.indices)
    func stall(_ index: Int) async throws {
        let server = try ScriptedServer([Self.stalls[index], Wire.wholeStream])
        let ended = try await TransportFixture.ask(server.baseURL) { $0.stallTimeout = 2 }
        #expect(try ended.result.get().toolCalls.count == 1)
        #expect(ended.pauses.count == 1)
        let events = await server.rest()
        #expect(events.contains(.clientLeft), "the silent connection is closed")
        #expect(events.filter { $0 == .connected }.count == 2)
    }

    @Test("a server that stays silent is told as such")
    func lastingStall() async throws {
        let server = try ScriptedServer(Array(repeating: [.read, .hold], count: 2))
        let error = try #require(
            try await TransportFixture.ask(server.baseURL) {
                $0.stallTimeout = 0.2
                $0.retries = 1
            }.error)
        #expect(error.code == .timeout)
        #expect(error.message.contains(server.address) && error.message.contains("0.2 s"), "\(error.message)")
        server.stop()
    }

    /// Bytes all the time, so that no silence ends it: the limit of the whole does.
    @Test("a server that never comes to an end is left when the time is over")
    func overallTime() async throws {
        let server = try ScriptedServer([[.read, .send(Wire.streamHead(chunked: false)), .flood(Wire.bytes(": still here\n\n"))]])
        let ended = try await TransportFixture.ask(server.baseURL) {
            $0.timeout = 0.3
            $0.retries = 0
            $0.bounds.stream = .max
        }
        #expect(ended.error?.code == .timeout, "\(ended.result)")
        #expect(await server.rest().contains(.clientLeft))
    }

    private static let floods: [(head: String, piece: String)] = [
        ("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", "[[[["),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", ": on and on\n\n"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ", "xxxxxxxxxxxxxxxx"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", Wire.delta(#"{"content":"blah"}"#)),
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n"),
        ("HTTP/1.1 200 OK\r\nx-long: ", "xxxxxxxxxxxxxxxx"),
    ]

    @Test("an endless answer is cut off", arguments: floods.indices)
    func flood(_ index: Int) async throws {
        let (head, piece) = Self.floods[index]
        let pieces = Wire.bytes(String(repeating: piece, count: 4096 / piece.utf8.count + 1))
        let server = try ScriptedServer([[.read, .send(Wire.bytes(head)), .flood(pieces)]])
        let ended = try await TransportFixture.ask(server.baseURL) {
            $0.bounds.body = 100_000
            $0.bounds.stream = 200_000
            $0.bounds.content = 50_000
        }
        #expect(ended.error?.code == .malformed, "\(ended.result)")
        #expect(ended.pauses.isEmpty, "more of it is not asked for")
        #expect(await server.rest().contains(.clientLeft))
    }

    @Test("of an endless error a few words are kept")
    func endlessError() async throws {
        let server = try ScriptedServer([
            [
                .read, .send(Wire.bytes("HTTP/1.1 400 X\r\ncontent-type: text/plain\r\n\r\n")),
                .flood(Wire.bytes(String(repeating: "no ", count: 999))),
            ]
        ])
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(ended.error?.status == 400)
        #expect(try #require(ended.error).message.utf8.count < 500)
        #expect(await server.rest().contains(.clientLeft))
    }

    @Test(
        "what is no HTTP, or no answer to this, is refused at once",
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}garbage\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html",
            "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\u{1F}\u{8B}",
        ])
    func garbage(_ text: String) async throws {
        let server = try ScriptedServer([[.read, .send(Wire.bytes(text))]])
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(ended.error?.code == .malformed || ended.error?.code == .refused, "\(ended.result)")
        #expect(ended.pauses.isEmpty)
        server.stop()
    }

    /// In one piece and in two: the end of such an answer may come with its head or later.
    @Test("a status that HTTP does not have is no answer", arguments: ["000", "001", "099"], [false, true])
    func belowAnyStatus(_ status: String, _ isSplit: Bool) async throws {
        let head = Wire.bytes("HTTP/1.1 \(status) x\r\ncontent-length: 2\r\n\r\n")
        let pieces: [ScriptedServer.Step] = isSplit ? [.send(head), .send(Wire.bytes("{}"))] : [.send(head + Wire.bytes("{}"))]
        let server = try ScriptedServer([[.read] + pieces])
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(ended.error?.code == .malformed, "\(ended.result)")
        #expect(ended.pauses.isEmpty)
        server.stop()
    }

    @Test("a server that is not there is told as such, after the retries")
    func refused() async throws {
        let server = try ScriptedServer([])
        let url = server.baseURL
        #expect(await server.rest().isEmpty)
        let ended = try await TransportFixture.ask(url)
        let error = try #require(ended.error)
        #expect(error.code == .unavailable && ended.pauses.count == 2)
        #expect(error.message.contains("Connection refused") && error.message.contains(server.address), "\(error.message)")
    }

    @Test("a name that does not exist")
    func noName() async throws {
        let ended = try await TransportFixture.ask("https://glovebox.invalid/v1") { $0.retries = 0 }
        let error = try #require(ended.error)
        #expect(error.code == .unavailable && error.message.contains("glovebox.invalid"), "\(error.message)")
    }

    @Test("a redirect is not followed", arguments: [301, 302, 303, 307, 308])
    func redirect(_ status: Int) async throws {
        let other = try ScriptedServer([Wire.wholeStream])
        let server = try ScriptedServer([[.read, .send(Wire.answer(status, "", ["location: \(other.baseURL)/chat/completions"]))]])
        let ended = try await TransportFixture.ask(server.baseURL)
        #expect(ended.error?.status == status && ended.pauses.isEmpty)
        #expect(try #require(ended.error).message.contains("redirects are not followed"))
        #expect(await other.rest().isEmpty, "nobody else hears of it")
        server.stop()
    }
}
