internal import CommandOutput
internal import LLMExecutor
internal import LibOSModel
internal import ModelTransport

/// Who chooses the actions of a run.
enum ActionSource: Sendable {
    case script(file: String)
    case model(ChatSettings)

    /// Checks the settings, and touches neither the store nor the network.
    init(_ script: ScriptOptions, _ model: ModelOptions, workspace: String) throws {
        self = if let file = script.script { .script(file: file) } else { .model(try model.settings(workspace: workspace)) }
    }

    /// Makes the client, does the work with it, and closes its connections, however the work ends.
    func with<Value>(_ store: any RuntimeStore, _ body: (any ModelClient) async throws -> Value) async throws -> Value {
        switch self {
        case .script(let file): return try await body(try ScriptOptions.client(file, store))
        case .model(let settings):
            do {
                return try await HTTPTransport.with(settings) { transport in
                    try await body(ChatCompletionsClient(settings: settings, transport: transport, clock: SystemClock()))
                }
            } catch let error as ModelError {
                throw CommandFailure.failed(error.message)
            }
        }
    }
}
