import LLMExecutor
import LibOSModel
import StrictJSON
import Synchronization

/// Answers from a list; keeps what was asked.
final class FakeTransport: ChatTransport {
    struct Answer: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var pieces: [String] = []
        /// The connection breaks instead of answering.
        var breaks = false

        static func json(_ text: String, status: Int = 200, headers: [String: String] = [:]) -> Answer {
            Answer(status: status, headers: headers.merging(["content-type": "application/json"]) { a, _ in a }, pieces: [text])
        }

        static func stream(_ events: [String], done: Bool = true, splitBytes: Int? = nil) -> Answer {
            var text = events.map { "data: \($0)\n\n" }.joined()
            if done { text += "data: [DONE]\n\n" }
            guard let splitBytes else { return Answer(headers: ["content-type": "text/event-stream"], pieces: [text]) }
            let bytes = Array(text.utf8)
            let pieces = stride(from: 0, to: bytes.count, by: splitBytes).map {
                bytes[$0..<min($0 + splitBytes, bytes.count)].map { String(UnicodeScalar($0)) }.joined()
            }
            return Answer(headers: ["content-type": "text/event-stream"], pieces: pieces)
        }
    }

    private let answers: Mutex<[Answer]>
    private let asked = Mutex<[ChatExchange]>([])

    init(_ answers: [Answer]) { self.answers = Mutex(answers) }

    var exchanges: [ChatExchange] { asked.withLock { $0 } }
    var bodies: [JSONValue] {
        exchanges.compactMap { try? JSONDocument.read($0.body, bounds: DocumentBounds(bytes: 1 << 24, depth: 64, nodes: 1 << 20)).value }
    }

    func send(_ exchange: ChatExchange, _ reader: ChatReader) async throws(ChatFailure) -> ModelCompletion {
        var reader = reader
        asked.withLock { $0.append(exchange) }
        let answer = answers.withLock { $0.isEmpty ? Answer(status: 599) : $0.removeFirst() }
        if answer.breaks { throw ChatFailure(ModelError(.unavailable, "connection reset"), isTransient: true) }
        reader.begin(status: answer.status) { answer.headers[$0] }
        for piece in answer.pieces {
            guard try reader.take(Array(piece.utf8)) else { break }
        }
        return try reader.finish()
    }
}

/// Stands still until it is moved; the pauses of a client move it.
final class HandClock: RuntimeClock {
    private let instant = Mutex(Timestamp(microseconds: 1_700_000_000_000_000))
    private let waits = Mutex<[Double]>([])

    func now() -> Timestamp { instant.withLock { $0 } }
    var pauses: [Double] { waits.withLock { $0 } }
    func pause(_ seconds: Double) {
        waits.withLock { $0.append(seconds) }
        instant.withLock { $0 = $0.adding(seconds: seconds) }
    }
}
