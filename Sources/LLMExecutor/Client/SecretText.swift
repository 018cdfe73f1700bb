package import StrictJSON

/// Text that no record, message or debugger print shows.
package struct SecretText: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let value: String
    package init(_ value: String) { self.value = value }
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Shorter ones are the made-up keys of local servers, and would tear holes into ordinary words.
    private static let shortestRedacted = 8

    /// Takes this secret out of what somebody else wrote: servers quote the key that they refuse. Found byte by byte: a combining
    /// mark behind it would hide its last character from a search for characters.
    package func redacted(from text: String) -> String {
        let secret = Array(value.utf8)
        guard secret.count >= Self.shortestRedacted else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == secret[0], bytes[at...].starts(with: secret) {
                result += "(key)".utf8
                at += secret.count
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The same for every text in a value, names of members too.
    package func redacted(from value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(redacted(from: text))
        case .array(let items): .array(items.map(redacted))
        case .object(let members): .object(members.map { JSONMember(redacted(from: $0.key), redacted(from: $0.value)) })
        case .null, .bool, .int, .double: value
        }
    }
}

extension ModelCompletion {
    /// Takes the key out of an answer before anything of it is recorded or carried out.
    func redacted(_ key: SecretText) -> ModelCompletion {
        var result = self
        result.content = key.redacted(from: content)
        result.reasoning = reasoning.map(key.redacted)
        result.api = api.map(key.redacted)
        result.model = model.map(key.redacted)
        result.requestID = requestID.map(key.redacted)
        result.responseID = responseID.map(key.redacted)
        result.usage = key.redacted(from: usage)
        result.raw = key.redacted(from: raw)
        result.toolCalls = toolCalls.map { $0.redacted(key) }
        return result
    }
}

extension ModelToolCall {
    func redacted(_ key: SecretText) -> ModelToolCall {
        var result = self
        result.id = id.map(key.redacted)
        result.callID = callID.map(key.redacted)
        result.name = name.map(key.redacted)
        switch arguments {
        case .missing: break
        case .text(let text):
            let bounds = DocumentBounds(bytes: text.utf8.count, depth: 64, nodes: 500_000)
            // JSON can write any letter of the key as an escape: what is in it shows when it is read.
            if let value = try? JSONDocument.read(Array(text.utf8), bounds: bounds).value, key.redacted(from: value) != value {
                result.arguments = .value(key.redacted(from: value))
            } else {
                result.arguments = .text(key.redacted(from: text))
            }
        case .value(let value): result.arguments = .value(key.redacted(from: value))
        }
        return result
    }
}
