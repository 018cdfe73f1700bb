import LLMExecutor
import Testing

struct ChatSettingsTests {
    private func settings(_ environment: [String: String], files: [String: String] = [:]) throws(ModelError) -> ChatSettings {
        try ChatEnvironment(variable: { environment[$0] }) { path throws(ModelError) in
            guard let text = files[path] else { throw ModelError(.configuration, "the key file \(path) cannot be read") }
            return text
        }.settings()
    }

    @Test("our names come before the common ones, and a key file before a key") func order() throws {
        let found = try settings(
            [
                "GLOVEBOX_MODEL": "a", "OPENAI_MODEL": "b", "OPENAI_BASE_URL": "https://example.org/v1/", "OPENAI_API_KEY": "k1",
                "GLOVEBOX_MODEL_KEY_FILE": "/key", "OPENAI_TIMEOUT": "90", "OPENAI_MAX_RETRIES": "4",
            ], files: ["/key": "k2\n"])
        #expect(found.model == "a" && found.baseURL == "https://example.org/v1" && found.key?.value == "k2")
        #expect(found.timeout == 90 && found.retries == 4)
    }

    @Test(
        "what is missing or wrong is named",
        arguments: [
            ([:], "GLOVEBOX_MODEL"), (["OPENAI_MODEL": "m"], "GLOVEBOX_MODEL_URL"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://example.org/v1"], "https"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://127.0.0.1.example.org/v1"], "https"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "file:///etc"], "https"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "OPENAI_TIMEOUT": "-1"], "time-out"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "OPENAI_MAX_RETRIES": "many"], "retries"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "GLOVEBOX_MODEL_TOOLS": "yes"], "native"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "GLOVEBOX_MODEL_KEY_FILE": "/none"], "key file"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "GLOVEBOX_MODEL_STALL_TIMEOUT": "5s"], "STALL_TIMEOUT"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "GLOVEBOX_MODEL_ALLOW_HTTP": "maybe"], "yes or no"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1@example.org/v1"], "no address"),
            (["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "OPENAI_ORG_ID": "a\r\nb: c"], "OPENAI_ORG_ID"),
        ] as [([String: String], String)])
    func wrong(_ environment: [String: String], _ word: String) throws {
        let error = #expect(throws: ModelError.self) { try settings(environment) }
        #expect(try #require(error).message.contains(word))
    }

    @Test("what was meant for OpenAI's server goes to no other")
    func onlyToItsServer() throws {
        let shared = ["OPENAI_MODEL": "m", "OPENAI_API_KEY": "sk-openai", "OPENAI_ORG_ID": "o", "OPENAI_PROJECT": "p"]
        func found(_ more: [String: String]) throws -> ChatSettings { try settings(shared.merging(more) { _, new in new }) }
        let theirs = try found(["OPENAI_BASE_URL": "https://example.org/v1"])
        #expect(theirs.key?.value == "sk-openai" && theirs.organization == "o" && theirs.project == "p")
        #expect(try found(["GLOVEBOX_MODEL_URL": "https://api.openai.com/v1"]).key?.value == "sk-openai")
        for url in ["https://example.org/v1", "https://api.openai.com.example.org/v1", "http://127.0.0.1:1"] {
            let other = try found(["GLOVEBOX_MODEL_URL": url, "OPENAI_BASE_URL": "https://api.openai.com/v1"])
            #expect(other.key == nil && other.organization == nil && other.project == nil, "\(url)")
        }
        #expect(try found(["GLOVEBOX_MODEL_URL": "https://example.org", "GLOVEBOX_MODEL_KEY": "own"]).key?.value == "own")
    }

    @Test(
        "a key that no header can hold is refused, and not shown",
        arguments: ["sk secret", "sk-secret\r\nx: y", "sk-sécret", "sk\u{0}secret"])
    func badKey(_ key: String) throws {
        for variables in [["GLOVEBOX_MODEL_KEY": key], ["GLOVEBOX_MODEL_KEY_FILE": "/key"]] {
            let environment = ["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1"].merging(variables) { _, new in new }
            let error = #expect(throws: ModelError.self) { try settings(environment, files: ["/key": key]) }
            let message = try #require(error).message
            #expect(message.contains("key") && !message.contains("secret") && !message.contains("sécret"))
        }
    }

    @Test("plain http leaves this machine only when that is allowed")
    func plainHTTP() throws {
        let far = ["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://192.0.2.1:8080/v1"]
        #expect(throws: ModelError.self) { try settings(far) }
        let allowed = try settings(far.merging(["GLOVEBOX_MODEL_ALLOW_HTTP": "yes"]) { _, new in new })
        #expect(allowed.allowsPlainHTTP && allowed.baseURL == "http://192.0.2.1:8080/v1")
    }

    @Test("a stall is never longer than a whole try")
    func limits() throws {
        let found = try settings(["OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:1", "GLOVEBOX_MODEL_TIMEOUT": "5"])
        #expect(found.timeout == 5 && found.stallTimeout == 5)
    }

    @Test(
        "addresses",
        arguments: [
            ("https://example.org/v1/", "https://example.org/v1", false), ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", true),
            ("HTTP://localhost", "http://localhost", true), ("http://[::1]:1/a/b", "http://[::1]:1/a/b", true),
            ("http://127.1.2.3", "http://127.1.2.3", true), ("http://127.0.0.1.example.org", "http://127.0.0.1.example.org", false),
            ("http://127.1", "http://127.1", false), ("http://localhost.example.org", "http://localhost.example.org", false),
        ])
    func addresses(_ text: String, _ canonical: String, _ isLoopback: Bool) throws {
        let address = try ServerAddress(text)
        #expect(address.text == canonical && address.isLoopback == isLoopback)
    }

    @Test(
        "what is no address",
        arguments: [
            "", "example.org", "ftp://example.org", "http://", "http:///v1", "http://a@b", "http://localhost:1@example.org", "http://a:0",
            "http://a:65536", "http://a:+1", "http://a:", "http://a b", "http://a\\b", "http://a?x", "http://a/#", "http://a/v1?key=1",
            "http://[::1", "http://[::1]x", "http://[]", "http://[a]", "http://exämple.org", "http://a/\r\nx: y", "http://-a",
        ])
    func noAddress(_ text: String) {
        #expect(throws: ServerAddress.Problem.self) { try ServerAddress(text) }
    }

    @Test("a key prints as nothing") func secret() {
        let key = SecretText("sk-123")
        var text = "\(key)"
        dump(key, to: &text)
        debugPrint(key, to: &text)
        #expect(!text.contains("sk-123"))
    }
}
