internal import StrictJSON

/// How a Chat Completions endpoint is spoken to. Keys come from the environment or a file and never from a command line.
package struct ChatSettings: Sendable {
    /// Up to and with the version: `http://127.0.0.1:8080/v1`.
    package var baseURL: String
    package var model: String
    package var key: SecretText?
    package var organization: String?
    package var project: String?
    package var temperature: Double
    /// Tokens of one answer.
    package var maxTokens: Int
    /// nil leaves the choice to the provider.
    package var seed: Int?
    package var toolMode: ToolMode
    /// Tries after the first.
    package var retries: Int
    /// Seconds for one try from the request to the last byte.
    package var timeout: Double
    /// Seconds for all tries and the waits between them.
    package var deadline: Double
    package var streams: Bool
    package var bounds: ChatBounds

    package enum ToolMode: String, Sendable, CaseIterable {
        /// The provider's function calls.
        case native
        /// One JSON object of a strict schema: for servers that ignore `tools`.
        case jsonSchema = "json_schema"
        /// `native`, and `json_schema` from the first answer on that shows that tools were ignored.
        case auto
    }

    package init(
        baseURL: String, model: String, key: SecretText? = nil, organization: String? = nil, project: String? = nil,
        temperature: Double = 0.2, maxTokens: Int = 65_536, seed: Int? = nil, toolMode: ToolMode = .auto, retries: Int = 2,
        timeout: Double = 60, deadline: Double = 180, streams: Bool = true, bounds: ChatBounds = ChatBounds()
    ) {
        self.baseURL = baseURL
        self.model = model
        self.key = key
        self.organization = organization
        self.project = project
        self.temperature = temperature
        self.maxTokens = maxTokens
        self.seed = seed
        self.toolMode = toolMode
        self.retries = retries
        self.timeout = timeout
        self.deadline = deadline
        self.streams = streams
        self.bounds = bounds
    }
}

/// Text that no record, message or debugger print shows.
package struct SecretText: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let value: String
    package init(_ value: String) { self.value = value }
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension ChatSettings {
    /// Reads `GLOVEBOX_MODEL_*` and, where absent, the `OPENAI_*` names that users have set already.
    ///
    /// - Parameters:
    ///   - environment: looks a variable up; empty values count as absent.
    ///   - file: reads a small file, for `GLOVEBOX_MODEL_KEY_FILE`.
    package static func fromEnvironment(
        _ environment: (String) -> String?, file: (String) -> String?
    ) throws(ModelError) -> ChatSettings {
        func first(_ names: String...) -> String? {
            for name in names {
                if let value = environment(name)?.trimmed, !value.isEmpty { return value }
            }
            return nil
        }
        guard let model = first("GLOVEBOX_MODEL", "OPENAI_LANGUAGE_MODEL", "OPENAI_MODEL") else {
            throw ModelError(.configuration, "no model is named; set GLOVEBOX_MODEL, or give a script of actions")
        }
        guard let base = first("GLOVEBOX_MODEL_URL", "OPENAI_BASE_URL") else {
            throw ModelError(.configuration, "no model server is named; set GLOVEBOX_MODEL_URL, for example to http://127.0.0.1:8080/v1")
        }
        var settings = ChatSettings(baseURL: try checked(base), model: model)
        if let path = first("GLOVEBOX_MODEL_KEY_FILE") {
            guard let key = file(path)?.trimmed, !key.isEmpty else {
                throw ModelError(.configuration, "the key file \(path) (GLOVEBOX_MODEL_KEY_FILE) cannot be read or is empty")
            }
            settings.key = SecretText(key)
        } else if let key = first("GLOVEBOX_MODEL_KEY", "OPENAI_API_KEY") {
            settings.key = SecretText(key)
        }
        settings.organization = first("OPENAI_ORGANIZATION", "OPENAI_ORG_ID")
        settings.project = first("OPENAI_PROJECT", "OPENAI_PROJECT_ID")
        if let text = first("GLOVEBOX_MODEL_TIMEOUT", "OPENAI_TIMEOUT") {
            guard let seconds = Double(text), seconds > 0, seconds <= 3600 else {
                throw ModelError(.configuration, "the model time-out `\(text)` is not a number of seconds between 0 and 3600")
            }
            settings.timeout = seconds
            settings.deadline = max(settings.deadline, seconds * 2)
        }
        if let text = first("GLOVEBOX_MODEL_RETRIES", "OPENAI_MAX_RETRIES") {
            guard let retries = Int(text), (0...10).contains(retries) else {
                throw ModelError(.configuration, "the number of retries `\(text)` is not between 0 and 10")
            }
            settings.retries = retries
        }
        if let text = first("GLOVEBOX_MODEL_TOOLS") {
            guard let mode = ToolMode(rawValue: text) else {
                throw ModelError(.configuration, "GLOVEBOX_MODEL_TOOLS is `\(text)`; known are native, json_schema and auto")
            }
            settings.toolMode = mode
        }
        return settings
    }

    /// A key must not cross a network in the clear: plain http is for this machine.
    private static func checked(_ url: String) throws(ModelError) -> String {
        let text = url.hasSuffix("/") ? String(url.dropLast()) : url
        if text.hasPrefix("https://") { return text }
        let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains {
            text.hasPrefix($0 + ":") || text.hasPrefix($0 + "/") || text == $0
        }
        guard isLocal else {
            throw ModelError(.configuration, "the model server \(printable(text)) is neither https nor on this machine; use https")
        }
        return text
    }
}
