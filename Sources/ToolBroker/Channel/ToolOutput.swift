package import LibOSModel
internal import SandboxLauncher
package import StrictJSON

/// What a tool that ended well says.
package struct ToolOutput: Sendable, Equatable {
    /// The result proper, checked against the output schema.
    package var data: JSONValue
    /// For people and models; the data's text without it.
    package var content: String?
    package var artifacts: JSONValue
    package var metadata: JSONValue

    package init(data: JSONValue, content: String? = nil, artifacts: JSONValue = .array([]), metadata: JSONValue = .object([])) {
        self.data = data
        self.content = content
        self.artifacts = artifacts
        self.metadata = metadata
    }

    static let keys = ["data", "content", "artifacts", "metadata"]

    /// Nil when it is no result object: unknown members are refused too.
    init?(_ value: JSONValue) {
        guard case .object(let members) = value, members.allSatisfy({ Self.keys.contains($0.key) }), let data = value.member("data")
        else { return nil }
        self.data = data
        artifacts = value.member("artifacts") ?? .array([])
        metadata = value.member("metadata") ?? .object([])
        guard case .array = artifacts, case .object = metadata else { return nil }
        switch value.member("content") {
        case .string(let text): content = text
        case nil, .null: content = nil
        default: return nil
        }
    }

    /// Without anything that a terminal or a reader would take for more than text.
    var cleaned: ToolOutput {
        ToolOutput(
            data: CleanText.clean(data), content: content.map(CleanText.clean), artifacts: CleanText.clean(artifacts),
            metadata: CleanText.clean(metadata))
    }

    var hasTwins: Bool { [data, artifacts, metadata].contains(where: CleanText.hasTwins) }
}

/// Why a tool did not do what it was called for. The codes are those of the reference.
package struct ToolFailure: Error, Sendable, Equatable {
    package enum Code: String, Sendable, CaseIterable {
        case validation = "validation_error"
        case denied = "permission_denied"
        case confirmationRequired = "confirmation_required"
        case timeout
        case rateLimited = "rate_limited"
        case transient = "transient_error"
        case execution = "execution_error"
        case unsupported
    }

    package var code: Code
    package var message: String
    package var isRetryable: Bool
    package var details: JSONValue
    package var denial: Denial?

    package init(_ code: Code, _ message: String, isRetryable: Bool = false, details: JSONValue = .object([]), denial: Denial? = nil) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.details = details
        self.denial = denial
    }

    package init(_ error: LibOSError) {
        let code: Code =
            switch error.code {
            case .validation: .validation
            case .denied, .limit: .denied
            case .timeout: .timeout
            case .notFound, .process, .store: .execution
            case .unsupported: .unsupported
            }
        // Whatever was refused says by which rule: what was wrong with the request is one, too.
        var denial = error.denial
        if denial == nil, error.code == .validation {
            denial = Denial(layer: .schema, rule: "arguments", reason: error.message, suggestion: error.mend)
        }
        self.init(code, error.description, isRetryable: code == .timeout, denial: denial)
    }

    /// What a tool says of its own failure, made harmless and no longer than somebody reads.
    init(saidByTool code: Code, _ message: String, isRetryable: Bool, details: JSONValue) {
        let clean = CleanText.clean(details)
        let size = clean.canonicalText.utf8.count
        let isKept = size <= Self.longestDetails && !CleanText.hasTwins(clean)
        self.init(
            code, CleanText.clean(String(message.prefix(Self.longestMessage))), isRetryable: isRetryable,
            details: isKept ? clean : .object(["left_out": .bool(true), "size_bytes": .int(Int64(size))]))
    }

    /// Characters of a tool's message, and bytes of its details, that records and models get.
    private static let longestMessage = 4096
    private static let longestDetails = 16 << 10

    package init(_ violation: ProtocolViolation) {
        self.init(
            .execution, violation.message,
            denial: Denial(layer: .protocol, rule: violation.rule.rawValue, reason: violation.message))
    }

    package var json: JSONValue {
        .object([
            "code": .string(code.rawValue), "message": .string(message), "retryable": .bool(isRetryable), "details": details,
            "denial": denial?.json ?? .null,
        ])
    }
}

/// Text of tools made harmless, keys included.
enum CleanText {
    static func clean(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x0A || $0 == 0x09 }) { return text }
        return TerminalText.cleaned(text)
    }

    static func clean(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(clean(text))
        case .array(let items): .array(items.map(clean))
        case .object(let members): .object(members.map { JSONMember(clean($0.key), clean($0.value)) })
        default: value
        }
    }

    /// Whether two keys of one object have become the same: such a value says two things at once.
    static func hasTwins(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let items): return items.contains(where: hasTwins)
        case .object(let members):
            var seen: Set<[UInt8]> = []
            return members.contains { !seen.insert(Array($0.key.utf8)).inserted || hasTwins($0.value) }
        default: return false
        }
    }
}
