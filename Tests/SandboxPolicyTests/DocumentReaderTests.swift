import CapabilityLanguage
import StrictJSON
import Testing

@testable import SandboxPolicy

@Suite struct DocumentReaderTests {
    static let invalid = (try? Fixtures.names(in: Fixtures.invalid, ending: ".yaml")) ?? []

    @Test func fixturesAreThere() {
        #expect(Self.invalid.count > 50)
    }

    /// The first line of each file says where the error stands and a part of its words: `# expect 4:7 anchors`.
    @Test(arguments: invalid) func invalidFixture(name: String) throws {
        let bytes = try Fixtures.bytes("\(Fixtures.invalid)/\(name)")
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.split(separator: "\n")[0].split(separator: " ", maxSplits: 3)
        let error = #expect(throws: PolicyError.self) { try Fixtures.policy(text) }
        guard let error, words.count == 4 else { return }
        #expect("\(error.line):\(error.column)" == words[2], "\(error)")
        #expect("\(error.message); \(error.mend)".contains(words[3]), "\(error)")
        #expect(!error.mend.isEmpty)
    }

    @Test func everyKeyIsRead() throws {
        let policy = try Fixtures.load("everything.yaml", in: Fixtures.valid)
        #expect(policy.failedExamples() == [])
        #expect(policy.description == "no, yes and on are words here: no")
        #expect(policy.limits[.cpu] == 500)
        #expect(policy.limits[.tmp] == 4096)
        #expect(policy.environment.set == ["EMPTY": "", "ANSWER": "no", "PORT": "8080"])
        #expect(policy.waived == [.cgroup])
        #expect(policy.syscalls.deny == ["@debug", "ptrace"])
        #expect(policy.chain.map(\.name) == ["base", "everything"])
        #expect(policy.rules.first { $0.effect == .deny }?.rights == [.read, .write, .delete, .execute])
        #expect(policy.rules.first { $0.effect == .deny }?.reference.location == "everything.yaml:11")
    }

    @Test func jsonIsReadAsWell() throws {
        let policy = try Fixtures.load("minimal.json", in: Fixtures.valid)
        #expect(policy.rules.count == 1)
        #expect(policy.rules[0].reference.because == "café 😀")
        #expect(policy.rules[0].reference.line == 2)
    }

    @Test(arguments: [
        ("version: 1\nname: \u{0}x", "2:7", "NUL"),
        ("{\"version\": 1, \"version\": 1}", "1:16", "twice"),
        ("{\"version\": 1, \"vers\\u0069on\": 1}", "1:16", "twice"),
        ("{\"version\": 1}\nx", "2:1", "after the value"),
        ("{\"name\": NaN}", "1:10", "not a JSON value"),
        ("{\"name\": \"\\ud800\"}", "1:17", "surrogate"),
        ("{\"name\": 'x'}", "1:10", "not a JSON value"),
        ("{\"version\": 01}", "1:14", "leading zero"),
        ("[1,]", "1:4", "not a JSON value"),
        ("[1", "1:3", "comma"),
        ("[]", "1:1", "not a mapping"),
    ])
    func badText(text: String, place: String, words: String) {
        let error = #expect(throws: PolicyError.self) { try Fixtures.policy(text) }
        #expect(error.map { "\($0.line):\($0.column)" } == place, "\(String(describing: error))")
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xF0, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func badUTF8(sequence: [UInt8]) {
        let error = #expect(throws: PolicyError.self) { try DocumentReader.read(Array("a: b\nc: ".utf8) + sequence, fileName: "f") }
        #expect(error?.line == 2)
        #expect(error?.column == 4)
        #expect(error?.message.contains("UTF-8") == true)
    }

    @Test func bounds() {
        func message(_ text: String) -> String {
            do {
                _ = try DocumentReader.read(Array(text.utf8), fileName: "f")
                return "accepted"
            } catch {
                return error.message
            }
        }
        let deep = { (n: Int, open: String, close: String) in String(repeating: open, count: n) + String(repeating: close, count: n) }
        #expect(message(deep(32, "[", "]")) == "accepted")
        #expect(message(deep(33, "[", "]")).contains("32 deep"))
        #expect(message("a: " + deep(31, "[", "]")) == "accepted")
        #expect(message("a: " + deep(32, "[", "]")).contains("32 deep"))
        #expect(message("[" + String(repeating: "1,", count: 19_998) + "1]") == "accepted")
        #expect(message("[" + String(repeating: "1,", count: 19_999) + "1]").contains("20000"))
        #expect(message("a: [" + String(repeating: "1,", count: 19_999) + "1]").contains("20000"))
        #expect(message("a: " + String(repeating: "x", count: 1 << 20)).contains("bytes"))
    }

    @Test func allErrorsAreCollected() {
        let error = #expect(throws: PolicyError.self) {
            try Fixtures.policy("version: 1\nname: t\nlimits: {wall: 5}\nwaive: [x]\ncapabilities: [{allow: a}]\n")
        }
        #expect(error?.line == 3)
        #expect(error?.others.map(\.line) == [4, 5])
    }

    @Test func errorsAreSafeToPrint() {
        let error = #expect(throws: PolicyError.self) { try Fixtures.policy("version: 1\nname: t\n\"a\\e[31m\": 1\n") }
        #expect(error?.description.unicodeScalars.contains("\u{1B}") == false)
        #expect(error?.description.hasPrefix("policy.yaml:3:1: ") == true)
    }

    @Test func quantities() throws {
        #expect(try Quantity.bytes("512MiB") == 512 << 20)
        #expect(try Quantity.bytes("7B") == 7)
        #expect(try Quantity.milliseconds("1h") == 3_600_000)
        #expect(throws: Quantity.Problem.self) { try Quantity.bytes("8388608TiB") }
        #expect(Quantity.sizeText(1536 << 10) == "1536KiB")
        #expect(Quantity.durationText(90_000) == "90s")
        #expect(Quantity.durationText(120_000) == "2m")
    }

    @Test func nearestWords() {
        #expect(NearestWord.suggestion(for: "capabilites", among: PolicyKeys.document) == "capabilities")
        #expect(NearestWord.suggestion(for: "zzzzzz", among: PolicyKeys.document) == nil)
    }

    @Test func canonicalJSON() throws {
        let value = JSONValue.object(["b": .array([.int(1), .double(1.5), .null]), "a": .string("\u{1}\n\"é/"), "é": .bool(true)])
        #expect(value.canonicalText == #"{"a":"\u0001\n\"é/","b":[1,1.5,null],"é":true}"#)
        #expect(value.prettyText.hasPrefix("{\n  \"b\": [\n    1,\n"))
        let again = try JSONDocument.read(Array(value.canonicalText.utf8), bounds: .policy).value
        #expect(again.canonicalText == value.canonicalText)
        #expect(JSONValue.object([:]).prettyText == "{}")
        #expect(JSONValue.unsigned(UInt64.max).canonicalText == "\"18446744073709551615\"")
    }

    /// The published schema and the parser know the same keys.
    @Test func schemaIsInStep() throws {
        let schema = try JSONDocument.read(Fixtures.bytes(Fixtures.policies + "/schema/policy.schema.json"), bounds: .policy).value
        func keys(_ value: JSONValue?) -> Set<String> {
            guard case .object(let members) = value else { return [] }
            return Set(members.map(\.key))
        }
        func words(_ value: JSONValue?) -> Set<String> {
            guard case .array(let items) = value else { return [] }
            return Set(items.compactMap { if case .string(let text) = $0 { text } else { nil } })
        }
        let properties = schema["properties"]
        #expect(keys(properties) == Set(PolicyKeys.document))
        #expect(keys(properties?["limits"]?["properties"]) == Set(PolicyKeys.limits))
        #expect(keys(properties?["environment"]?["properties"]) == Set(PolicyKeys.environment))
        #expect(keys(properties?["syscalls"]?["properties"]) == Set(PolicyKeys.syscalls))
        #expect(keys(properties?["sessions"]?["properties"]) == Set(PolicyKeys.sessions))
        #expect(keys(properties?["examples"]?["properties"]) == Set(PolicyKeys.examples))
        #expect(words(properties?["syscalls"]?["properties"]?["base"]?["enum"]) == Set(PolicyKeys.syscallBases))
        #expect(words(properties?["waive"]?["items"]?["enum"]) == Set(Protection.allCases.filter(\.isWaivable).map(\.rawValue)))
        let rule = schema["$defs"]?["rule"]?["properties"]
        #expect(keys(rule) == Set(PolicyKeys.rule))
        #expect(words(rule?["rights"]?["items"]?["enum"]) == Set(CapabilityRight.allCases.map(\.rawValue)))
        let kinds = ResourceKind.allCases.map(\.rawValue).joined(separator: "|")
        #expect(schema["$defs"]?["resource"]?["pattern"] == .string("^(\(kinds)):.+$"))
    }
}
