import Glibc
import LinuxPrimitives
import SandboxTestSupport

/// A server on 127.0.0.1 that plays bytes. Each connection that arrives plays the next list of steps and is closed at its end;
/// one more than there are lists is closed at once.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        /// Waits for one whole request.
        case read
        case send([UInt8])
        /// Sends this again and again until the client has gone.
        case flood([UInt8])
        /// Sends nothing until the client has gone.
        case hold
    }

    enum Event: Sendable, Equatable {
        case connected
        case request(String)
        /// The client closed while the server was flooding or holding.
        case clientLeft
        case closed
    }

    let port: UInt16
    /// What happens, as it happens.
    let events: AsyncStream<Event>
    private let listener: Listener
    private let report: AsyncStream<Event>.Continuation

    var address: String { "127.0.0.1:\(port)" }
    var baseURL: String { "http://\(address)/v1" }

    init(_ connections: [[Step]]) throws {
        listener = try Listener(.tcp)
        port = listener.port
        (events, report) = AsyncStream.makeStream()
        // The listener must block here: a thread of its own waits on it, and keeps it open as long as it does.
        let (listener, report) = (listener, report)
        _ = fcntl(listener.number, F_SETFL, fcntl(listener.number, F_GETFL) & ~O_NONBLOCK)
        guard DetachedThread.start({ Self.serve(listener, connections, report) }) else {
            throw SystemError(errno: EAGAIN, operation: "pthread_create")
        }
    }

    deinit { stop() }

    /// Takes no connection any more; what is under way goes on.
    func stop() {
        shutdown(listener.number, Int32(SHUT_RDWR))
    }

    /// Stops, and gives all that has happened and was not read yet.
    func rest() async -> [Event] {
        stop()
        return await events.reduce(into: []) { $0.append($1) }
    }

    private static func serve(_ listener: Listener, _ connections: [[Step]], _ report: AsyncStream<Event>.Continuation) {
        var remaining = connections[...]
        while true {
            let connection = takeNext(listener.number)
            guard connection >= 0 else { break }
            report.yield(.connected)
            for step in remaining.popFirst() ?? [] {
                guard play(step, connection, report) else { break }
            }
            close(connection)
            report.yield(.closed)
        }
        report.finish()
    }

    private static func takeNext(_ listener: Int32) -> Int32 {
        while true {
            let connection = accept(listener, nil, nil)
            if connection >= 0 { _ = fcntl(connection, F_SETFD, FD_CLOEXEC) }
            if connection >= 0 || errno != EINTR { return connection }
        }
    }

    /// False when the client has gone.
    private static func play(_ step: Step, _ connection: Int32, _ report: AsyncStream<Event>.Continuation) -> Bool {
        switch step {
        case .read:
            guard let text = request(connection) else { return false }
            report.yield(.request(text))
        case .send(let bytes): return sendAll(bytes, connection)
        case .flood(let bytes):
            while sendAll(bytes, connection) {}
            report.yield(.clientLeft)
        case .hold:
            while receive(connection) != nil {}
            report.yield(.clientLeft)
        }
        return true
    }

    private static func sendAll(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let rest = Array(bytes[sent...])
            let count = Glibc.send(connection, rest, rest.count, Int32(MSG_NOSIGNAL))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private static func receive(_ connection: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            return count > 0 ? Array(buffer[..<count]) : nil
        }
    }

    /// A head, and as much body as its Content-Length says.
    private static func request(_ connection: Int32) -> String? {
        var text = ""
        while true {
            guard let piece = receive(connection) else { return nil }
            text += String(decoding: piece, as: UTF8.self)
            guard let head = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false).first,
                head.count < text.count
            else { continue }
            let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            let expected = length.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            if text.utf8.count >= head.utf8.count + 4 + expected { return text }
        }
    }
}

/// Bytes of answers.
enum Wire {
    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// A whole answer with its length.
    static func answer(_ status: Int, _ body: String, _ headers: [String] = [], type: String = "application/json", keep: Bool = false)
        -> [UInt8]
    {
        let all = ["content-type: \(type)", "content-length: \(body.utf8.count)"] + (keep ? [] : ["connection: close"]) + headers
        return bytes("HTTP/1.1 \(status) X\r\n" + all.map { $0 + "\r\n" }.joined() + "\r\n" + body)
    }

    /// The head of a stream, chunked or up to the end of the connection.
    static func streamHead(chunked: Bool = true) -> [UInt8] {
        let framing = chunked ? "transfer-encoding: chunked\r\nconnection: close" : "connection: close"
        return bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\(framing)\r\n\r\n")
    }

    /// Chunks of so many bytes, with the last one when `ends`.
    static func chunks(_ body: String, of size: Int, ends: Bool = true) -> [UInt8] {
        let all = bytes(body)
        var result: [UInt8] = []
        for start in stride(from: 0, to: all.count, by: size) {
            let piece = all[start..<min(start + size, all.count)]
            result += bytes(String(piece.count, radix: 16) + "\r\n") + piece + bytes("\r\n")
        }
        return ends ? result + bytes("0\r\n\r\n") : result
    }

    static func delta(_ delta: String, finish: String? = nil) -> String {
        "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":\(delta),\"finish_reason\":\(finish.map { "\"\($0)\"" } ?? "null")}]}\n\n"
    }

    /// A call of `echo` with the text `héllo`, in fragments.
    static let callEvents =
        ": welcome\r\n\r\n" + delta(#"{"role":"assistant","content":null}"#)
        + delta(#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"echo","arguments":""}}]}"#)
        + delta(#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"text\":\"hé"}}]}"#)
        + delta(#"{"tool_calls":[{"index":0,"function":{"arguments":"llo\"}"}}]}"#) + delta("{}", finish: "tool_calls")
        + "data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n"
    static let callStream = callEvents + "data: [DONE]\n\n"
    static let arguments = #"{"text":"héllo"}"#

    static let wholeStream: [ScriptedServer.Step] = [.read, .send(streamHead()), .send(chunks(callStream, of: 16))]
}
