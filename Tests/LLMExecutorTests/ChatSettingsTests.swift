import LLMExecutor
import Testing

struct ChatSettingsTests {
    private func settings(_ environment: [String: String], files: [String: String] = [:]) throws(ModelError) -> ChatSettings {
        try ChatSettings.fromEnvironment({ environment[$0] }, file: { files[$0] })
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
        ] as [([String: String], String)])
    func wrong(_ environment: [String: String], _ word: String) throws {
        let error = #expect(throws: ModelError.self) { try settings(environment) }
        #expect(try #require(error).message.contains(word))
    }

    @Test("a key prints as nothing") func secret() {
        let key = SecretText("sk-123")
        var text = "\(key)"
        dump(key, to: &text)
        debugPrint(key, to: &text)
        #expect(!text.contains("sk-123"))
    }
}
