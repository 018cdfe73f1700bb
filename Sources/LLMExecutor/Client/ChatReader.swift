internal import StrictJSON

/// Reads one HTTP answer, piece by piece, into a completion or a failure. Knows nothing of the network.
package struct ChatReader: Sendable {
    private let bounds: ChatBounds
    /// Seconds since 1970, for dates in `Retry-After`.
    private let now: Int64
    /// Taken out of what is cut: half a key would not be found any more.
    private let key: SecretText?
    private var status = 0
    private var requestID: String?
    private var retryAfter: Double?
    private var isStream = false
    private var body: [UInt8] = []
    private var total = 0
    private var events: EventStream
    private var accumulator: ChatAccumulator
    private var isDone = false

    package init(bounds: ChatBounds, now: Int64, key: SecretText? = nil) {
        self.bounds = bounds
        self.now = now
        self.key = key
        events = EventStream(longestEvent: bounds.body)
        accumulator = ChatAccumulator(bounds: bounds, key: key)
    }

    package mutating func begin(status: Int, header: (String) -> String?) {
        self.status = status
        requestID = header("x-request-id").map { printable(String(redacted($0).prefix(128))) }
        retryAfter = RetryPolicy.asked(milliseconds: header("retry-after-ms"), seconds: header("retry-after"), now: now)
        isStream = status == 200 && (header("content-type") ?? "").lowercased().hasPrefix("text/event-stream")
    }

    /// Takes a piece of the body. Returns false when nothing more is wanted.
    package mutating func take(_ bytes: some Sequence<UInt8>) throws(ChatFailure) -> Bool {
        if isDone { return false }
        guard isStream else {
            body.append(contentsOf: bytes)
            let most = status == 200 ? bounds.body : bounds.errorBody
            if body.count <= most { return true }
            if status == 200 { throw failed(ModelError(.malformed, "the answer is longer than \(most) bytes")) }
            body.removeLast(body.count - most)
            return false
        }
        let datas: [[UInt8]]
        let before = total
        do throws(EventStream.TooLong) {
            let piece = Array(bytes)
            total += piece.count
            datas = try events.take(piece)
        } catch {
            throw failed(ModelError(.malformed, "one event of the stream is longer than \(bounds.body) bytes"))
        }
        if before > bounds.stream { throw failed(ModelError(.malformed, "the stream is longer than \(bounds.stream) bytes")) }
        for data in datas {
            if data.elementsEqual("[DONE]".utf8) {
                isDone = true
                return false
            }
            try feed(data) { accumulator, value throws(ModelError) in try accumulator.take(chunk: value) }
        }
        return true
    }

    /// The body has ended.
    package mutating func finish() throws(ChatFailure) -> ModelCompletion {
        guard status == 200 else { throw refusal() }
        if !isStream { try feed(body) { accumulator, value throws(ModelError) in try accumulator.take(body: value) } }
        do throws(ModelError) {
            return try accumulator.completion(requestID: requestID)
        } catch {
            // A cut stream may be whole at the next try; nothing of it was carried out.
            throw ChatFailure(error, isTransient: error.code == .malformed && isStream && !isDone)
        }
    }

    private mutating func feed(
        _ bytes: [UInt8], _ take: (inout ChatAccumulator, JSONValue) throws(ModelError) -> Void
    ) throws(ChatFailure) {
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.value(of: bytes, bounds: DocumentBounds(bytes: bounds.body, depth: 64, nodes: 500_000))
        } catch {
            // One event that was garbled on its way may be whole at the next try; a whole body that is no JSON is what this server says.
            throw ChatFailure(ModelError(.malformed, "the provider's answer is not JSON: \(error.description)"), isTransient: isStream)
        }
        do throws(ModelError) {
            try take(&accumulator, value)
        } catch {
            throw failed(error)
        }
    }

    private func failed(_ error: ModelError) -> ChatFailure { ChatFailure(error, isTransient: false) }

    private func redacted(_ text: String) -> String { key?.redacted(from: text) ?? text }

    private func refusal() -> ChatFailure {
        var text = String(redacted(String(decoding: body, as: UTF8.self)).prefix(ChatError.longest))
        if let value = try? JSONDocument.read(body, bounds: DocumentBounds(bytes: bounds.errorBody, depth: 32, nodes: 10_000)).value {
            text = ChatError.text(of: value["error"] ?? value, without: key)
        }
        let isTransient = RetryPolicy.isTransient(status: status)
        let hint =
            switch status {
            case 401, 403:
                "; check the key (GLOVEBOX_MODEL_KEY_FILE, GLOVEBOX_MODEL_KEY; OPENAI_API_KEY goes to OPENAI_BASE_URL or OpenAI only)"
            case 404: "; check the address and the model's name"
            case 300..<400: "; redirects are not followed, name the final address"
            default: ""
            }
        return ChatFailure(
            ModelError(
                isTransient ? .unavailable : .refused, "the model server answered \(status): \(printable(text))\(hint)", status: status),
            isTransient: isTransient, retryAfter: retryAfter)
    }
}
