package import LibOSModel
internal import StrictJSON
internal import Synchronization

/// A model behind a server that speaks Chat Completions: OpenAI's form, as most local servers have it too.
package final class ChatCompletionsClient: ModelClient {
    package let name = "ChatCompletionsClient"
    package let isRealModel = true

    private let settings: ChatSettings
    private let transport: any ChatTransport
    private let clock: any RuntimeClock
    private let pause: @Sendable (Double) async throws -> Void
    /// What this server taught us.
    private let learned = Mutex(Learned())

    private struct Learned {
        var omitted: Set<ChatRequest.Option> = []
        var asksForSchema = false
    }

    /// Options that are dropped one after the other before the server is given up.
    private static let mostCompatibilityRetries = 8

    package init(
        settings: ChatSettings, transport: any ChatTransport, clock: any RuntimeClock,
        pause: @escaping @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) }
    ) {
        self.settings = settings
        self.transport = transport
        self.clock = clock
        self.pause = pause
        if settings.toolMode == .jsonSchema { learned.withLock { $0.asksForSchema = true } }
    }

    package func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
        let completion = try await ask(request, asksForSchema: learned.withLock(\.asksForSchema))
        guard completion.toolCalls.isEmpty, settings.toolMode == .auto, !learned.withLock(\.asksForSchema), !request.tools.isEmpty else {
            return completion
        }
        // No call at all: the server may ignore `tools`. It is asked once for an object of a schema, and if it can do that, it is
        // asked that way from now on.
        guard let schema = try? await ask(request, asksForSchema: true), !schema.toolCalls.isEmpty else { return completion }
        learned.withLock { $0.asksForSchema = true }
        return schema
    }

    private func ask(_ request: ModelRequest, asksForSchema: Bool) async throws(ModelError) -> ModelCompletion {
        var chat = ChatRequest(settings: settings, request: request, omitted: [], asksForSchema: asksForSchema)
        var completion = try await send(&chat)
        if completion.toolCalls.isEmpty, completion.content.trimmed.isEmpty, completion.reasoning != nil {
            chat.disablesThinking = true
            completion = try await send(&chat)
        }
        if asksForSchema, completion.toolCalls.isEmpty, let call = ChatRequest.call(in: completion.content) {
            completion.toolCalls = [settings.key.map(call.redacted) ?? call]
        }
        return completion
    }

    private func send(_ chat: inout ChatRequest) async throws(ModelError) -> ModelCompletion {
        let end = clock.now().adding(seconds: settings.deadline)
        let policy = RetryPolicy(retries: settings.retries)
        var attempt = 1
        var dropped = 0
        while true {
            chat.omitted = learned.withLock(\.omitted)
            let failure: ChatFailure
            do throws(ChatFailure) {
                let completion = try await once(chat, within: Double(end.microseconds - clock.now().microseconds) / 1_000_000)
                return settings.key.map(completion.redacted) ?? completion
            } catch {
                failure = redacted(error)
            }
            if let status = failure.error.status, status == 400 || status == 422, dropped < Self.mostCompatibilityRetries,
                let option = ChatRequest.complaint(failure.error.message, omitted: chat.omitted)
            {
                if option == .responseFormat { throw failure.error }
                learned.withLock { _ = $0.omitted.insert(option) }
                dropped += 1
                continue
            }
            guard failure.isTransient, let delay = policy.delay(after: attempt, asked: failure.retryAfter) else { throw failure.error }
            if clock.now().adding(seconds: delay) >= end {
                throw ModelError(
                    failure.error.code, "\(failure.error.message); the next try would come after the deadline of \(settings.deadline) s",
                    status: failure.error.status)
            }
            do {
                try await pause(delay)
            } catch {
                throw ModelError(.cancelled, "the request was cancelled")
            }
            attempt += 1
        }
    }

    /// A failure goes into records and before people, and its words may be the server's.
    private func redacted(_ failure: ChatFailure) -> ChatFailure {
        guard let key = settings.key else { return failure }
        var failure = failure
        failure.error.message = key.redacted(from: failure.error.message)
        return failure
    }

    /// One try, from the request to the last byte.
    private func once(_ chat: ChatRequest, within seconds: Double) async throws(ChatFailure) -> ModelCompletion {
        var headers = [("content-type", "application/json"), ("accept", chat.settings.streams ? "text/event-stream" : "application/json")]
        if let key = settings.key { headers.append(("authorization", "Bearer \(key.value)")) }
        if let organization = settings.organization { headers.append(("openai-organization", organization)) }
        if let project = settings.project { headers.append(("openai-project", project)) }
        let reader = ChatReader(bounds: settings.bounds, now: clock.now().microseconds / 1_000_000, key: settings.key)
        return try await transport.send(
            ChatExchange(
                url: settings.baseURL + "/chat/completions", headers: headers, body: Array(chat.body.canonicalText.utf8),
                timeout: min(settings.timeout, seconds)), reader)
    }
}

/// One try that failed, and what is known about trying again.
package struct ChatFailure: Error, Sendable {
    package var error: ModelError
    package var isTransient: Bool
    /// Seconds that the server asked for.
    package var retryAfter: Double?

    package init(_ error: ModelError, isTransient: Bool, retryAfter: Double? = nil) {
        self.error = error
        self.isTransient = isTransient
        self.retryAfter = retryAfter
    }
}

package struct ChatExchange: Sendable {
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Seconds from the start to the last byte.
    package var timeout: Double
}

/// Carries one request to the server and feeds what comes back to a reader. Redirects are never followed: the key is for one host.
package protocol ChatTransport: Sendable {
    func send(_ exchange: ChatExchange, _ reader: ChatReader) async throws(ChatFailure) -> ModelCompletion
}
