internal import StrictJSON

/// Settings from `GLOVEBOX_MODEL_*` and, where absent, from the `OPENAI_*` names that users have set already.
///
/// What was meant for one server is for no other: the key, organization and project of `OPENAI_*` go to the server of
/// `OPENAI_BASE_URL` or to OpenAI's own, wherever else the model may be.
package struct ChatEnvironment {
    private let look: (String) -> String?
    private let read: (String) throws(ModelError) -> String

    /// - Parameters:
    ///   - variable: looks a variable up; empty values count as absent.
    ///   - file: reads a small file, for `GLOVEBOX_MODEL_KEY_FILE`, or says why it cannot.
    package init(variable: @escaping (String) -> String?, file: @escaping (String) throws(ModelError) -> String) {
        look = variable
        read = file
    }

    package func settings() throws(ModelError) -> ChatSettings {
        guard let model = first("GLOVEBOX_MODEL", "OPENAI_LANGUAGE_MODEL", "OPENAI_MODEL") else {
            throw ModelError(
                .configuration,
                "no model is named, so nobody chooses the agents' actions; name one with --model or GLOVEBOX_MODEL, or give planned "
                    + "actions with --script FILE")
        }
        let own = first("GLOVEBOX_MODEL_URL")
        guard let base = own ?? first("OPENAI_BASE_URL") else {
            throw ModelError(
                .configuration,
                "no model server is named; set --model-url or GLOVEBOX_MODEL_URL, for example to http://127.0.0.1:8080/v1")
        }
        let allowsPlainHTTP = try flag("GLOVEBOX_MODEL_ALLOW_HTTP")
        let address = try checked(base, allowsPlainHTTP: allowsPlainHTTP)
        var settings = ChatSettings(baseURL: address.text, model: model, allowsPlainHTTP: allowsPlainHTTP)
        settings.authorities = first("GLOVEBOX_MODEL_CA_FILE")
        let isOpenAIs = own == nil || (address.scheme == .https && address.host == "api.openai.com")
        settings.key = try key(isOpenAIs: isOpenAIs)
        if isOpenAIs {
            settings.organization = try headerValue("OPENAI_ORGANIZATION", "OPENAI_ORG_ID")
            settings.project = try headerValue("OPENAI_PROJECT", "OPENAI_PROJECT_ID")
        }
        try readLimits(into: &settings)
        return settings
    }

    private func readLimits(into settings: inout ChatSettings) throws(ModelError) {
        if let seconds = try seconds("GLOVEBOX_MODEL_TIMEOUT", "OPENAI_TIMEOUT") {
            settings.timeout = seconds
            settings.deadline = max(settings.deadline, seconds * 2)
        }
        settings.stallTimeout = min(try seconds("GLOVEBOX_MODEL_STALL_TIMEOUT") ?? settings.stallTimeout, settings.timeout)
        if let text = first("GLOVEBOX_MODEL_RETRIES", "OPENAI_MAX_RETRIES") {
            guard let retries = Int(text), (0...10).contains(retries) else {
                throw ModelError(.configuration, "the number of retries `\(text)` is not between 0 and 10")
            }
            settings.retries = retries
        }
        if let text = first("GLOVEBOX_MODEL_TOOLS") {
            guard let mode = ChatSettings.ToolMode(rawValue: text) else {
                throw ModelError(.configuration, "GLOVEBOX_MODEL_TOOLS is `\(text)`; known are native, json_schema and auto")
            }
            settings.toolMode = mode
        }
    }

    private func key(isOpenAIs: Bool) throws(ModelError) -> SecretText? {
        let value: String
        let source: String
        if let path = first("GLOVEBOX_MODEL_KEY_FILE") {
            value = try read(path).trimmed
            source = "in the file \(path) (GLOVEBOX_MODEL_KEY_FILE)"
            if value.isEmpty { throw ModelError(.configuration, "the key file \(path) (GLOVEBOX_MODEL_KEY_FILE) is empty") }
        } else if let own = first("GLOVEBOX_MODEL_KEY") {
            value = own
            source = "in GLOVEBOX_MODEL_KEY"
        } else if isOpenAIs, let shared = first("OPENAI_API_KEY") {
            value = shared
            source = "in OPENAI_API_KEY"
        } else {
            return nil
        }
        guard value.utf8.count <= 4096, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ModelError(.configuration, "the key \(source) is no single word of printable ASCII, so no request can carry it; check it")
        }
        return SecretText(value)
    }

    private func headerValue(_ names: String...) throws(ModelError) -> String? {
        for name in names {
            guard let value = first(name) else { continue }
            if value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return value }
            throw ModelError(.configuration, "\(name) holds characters that no request can carry")
        }
        return nil
    }

    private func checked(_ text: String, allowsPlainHTTP: Bool) throws(ModelError) -> ServerAddress {
        let address: ServerAddress
        do throws(ServerAddress.Problem) {
            address = try ServerAddress(text)
        } catch {
            throw ModelError(
                .configuration,
                "the model server \(text) is no address: \(error.message); write one like https://host/v1 or http://127.0.0.1:8080/v1")
        }
        guard address.scheme == .https || address.isLoopback || allowsPlainHTTP else {
            throw ModelError(
                .configuration,
                "the model server \(address.text) is neither https nor on this machine, so the key and the prompts would cross the "
                    + "network in the clear; use https, or allow it with --model-allow-http")
        }
        return address
    }

    private func seconds(_ names: String...) throws(ModelError) -> Double? {
        for name in names {
            guard let text = first(name) else { continue }
            guard let seconds = Double(text), seconds >= 0.001, seconds <= 3600 else {
                throw ModelError(.configuration, "the model time-out `\(text)` (\(name)) is not a number of seconds between 0.001 and 3600")
            }
            return seconds
        }
        return nil
    }

    private func flag(_ name: String) throws(ModelError) -> Bool {
        switch first(name) {
        case nil, "0", "no", "false": return false
        case "1", "yes", "true": return true
        case .some(let text): throw ModelError(.configuration, "\(name) is `\(text)`; write yes or no")
        }
    }

    private func first(_ names: String...) -> String? {
        for name in names {
            if let value = look(name)?.trimmed, !value.isEmpty { return value }
        }
        return nil
    }
}
