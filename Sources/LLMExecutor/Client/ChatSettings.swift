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
    /// Seconds within one try that may pass with nothing from the server.
    package var stallTimeout: Double
    /// Seconds for all tries and the waits between them.
    package var deadline: Double
    package var streams: Bool
    /// Whether the key and the prompts may cross a network in the clear.
    package var allowsPlainHTTP: Bool
    /// A PEM file of the authorities that may vouch for the server, instead of those of this machine.
    package var authorities: String?
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
        timeout: Double = 300, stallTimeout: Double = 60, deadline: Double = 600, streams: Bool = true, allowsPlainHTTP: Bool = false,
        authorities: String? = nil, bounds: ChatBounds = ChatBounds()
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
        self.stallTimeout = stallTimeout
        self.deadline = deadline
        self.streams = streams
        self.allowsPlainHTTP = allowsPlainHTTP
        self.authorities = authorities
        self.bounds = bounds
    }
}
