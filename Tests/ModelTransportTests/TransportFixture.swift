import LLMExecutor
import LibOSModel
import StrictJSON
import Synchronization

@testable import ModelTransport

/// A client with the real transport, whose pauses are written down instead of waited for.
struct TransportFixture {
    static let key = "sk-very-secret-key-0123456789"
    static let request = ModelRequest(
        messages: [ModelMessage(.system, "s"), ModelMessage(.user, "u")],
        tools: [ModelTool(name: "echo", description: "e", parameters: .object(["type": .string("object")]))], process: "pid_1")

    var result: Result<ModelCompletion, ModelError>
    var pauses: [Double]

    var error: ModelError? { if case .failure(let error) = result { error } else { nil } }

    static func settings(_ url: String) -> ChatSettings {
        ChatSettings(baseURL: url, model: "m", key: SecretText(key), toolMode: .native, timeout: 60, stallTimeout: 30)
    }

    /// One completion of a server's answers.
    static func ask(_ url: String, _ change: (inout ChatSettings) -> Void = { _ in }) async throws -> TransportFixture {
        var settings = settings(url)
        change(&settings)
        return try await asking(settings) { client, pauses in
            let result: Result<ModelCompletion, ModelError>
            do throws(ModelError) {
                result = .success(try await client.complete(request))
            } catch {
                result = .failure(error)
            }
            return TransportFixture(result: result, pauses: pauses())
        }
    }

    static func asking<Value>(
        _ settings: ChatSettings, _ body: (ChatCompletionsClient, () -> [Double]) async throws -> Value
    ) async throws -> Value {
        let pauses = Pauses()
        return try await HTTPTransport.with(settings) { transport in
            let client = ChatCompletionsClient(settings: settings, transport: transport, clock: SystemClock()) { seconds in
                pauses.list.withLock { $0.append(seconds) }
            }
            return try await body(client) { pauses.list.withLock { $0 } }
        }
    }

    private final class Pauses: Sendable {
        let list = Mutex<[Double]>([])
    }
}
