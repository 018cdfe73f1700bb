import StrictJSON
import Testing

@testable import SandboxPolicy

@Suite struct FuzzReaderTests {
    static let seeds = [
        "version: 1\nname: a\ncapabilities:\n  - {allow: \"filesystem:workspace:*\", rights: [read]}\nlimits: {wall: 60s}\n",
        "{\"version\": 1, \"name\": \"a\", \"capabilities\": [{\"deny\": \"network:*\"}], \"limits\": {\"pids\": 5}}",
        "version: 1\nname: a\nname: b\n", "{\"a\": {\"b\": [1, 2.5e3, \"\\ud83d\\ude00\", null]}}",
    ]
    static let pieces = [
        "\n", "  ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "&a ", "*a", "!x ", "---\n", "#", "\\u0000", "\\ud800", "\u{0}",
        "name: b\n", "\"name\": 1,", "é", "\u{FEFF}", "|", ">", "?", "<<: ", "%YAML", "\t", "999999999999999999999",
    ]

    static func hasDuplicate(_ node: DocumentNode) -> Bool {
        switch node.content {
        case .scalar: return false
        case .sequence(let items): return items.contains(where: hasDuplicate)
        case .mapping(let entries):
            return Set(entries.map { Array($0.key.utf8) }).count != entries.count || entries.contains { hasDuplicate($0.value) }
        }
    }

    private static func outcome(_ read: () throws(JSONReadError) -> JSONValue) -> Result<JSONValue, JSONReadError> {
        Result(catching: read)
    }

    /// Ten thousand damaged documents: each is read or refused at a place inside it, none with a key twice.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func damagedDocuments(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var accepted = 0
        for _ in 0..<2500 {
            var bytes = Array(Self.seeds.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let at = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random)!.utf8, at: at)
                case 1 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 2 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...8, using: &random)))
                default: bytes.insert(contentsOf: bytes.prefix(at).suffix(20), at: at)
                }
            }
            do {
                let node = try DocumentReader.read(bytes, fileName: "f")
                accepted += 1
                #expect(!Self.hasDuplicate(node))
            } catch {
                #expect(error.line >= 1 && error.column >= 1)
            }
            // With positions or without: the same value, or the same refusal at the same place.
            let placed = Self.outcome { () throws(JSONReadError) in try JSONDocument.read(bytes, bounds: .policy).value }
            let plain = Self.outcome { () throws(JSONReadError) in try JSONDocument.value(of: bytes, bounds: .policy) }
            #expect(placed == plain)
            do {
                _ = try PolicyLoader.load(bytes, fileName: "f") { throw Fixtures.Unreadable(path: $0) }
            } catch {
                #expect(!error.message.isEmpty && !error.mend.isEmpty)
            }
        }
        #expect(accepted > 100)
    }

    @Test func duplicateKeysAreNeverAccepted() {
        for text in ["a: 1\na: 2\n", "{a: 1, \"a\": 2}", "b: [{a: 1, 'a': 2}]", "{\"a\": 1, \"\\u0061\": 2}", "\"a\": 1\n\"\\x61\": 2\n"] {
            #expect(throws: PolicyError.self) { try DocumentReader.read(Array(text.utf8), fileName: "f") }
        }
    }

    @Test func identicalIsByTheByte() {
        let (composed, combined) = (JSONValue.object(["a": .string("\u{E9}")]), JSONValue.object(["a": .string("e\u{301}")]))
        #expect(composed == combined && !composed.isIdentical(to: combined) && composed.isIdentical(to: composed))
    }

    /// Everything that the JSON reader accepts survives being written and read again.
    @Test func jsonRoundTrip() throws {
        var random = SeededGenerator(state: 99)
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
            case 0: .null
            case 1: .bool(Bool.random(using: &random))
            case 2: .int(Int64.random(in: .min ... .max, using: &random))
            case 3: .double(Double.random(in: -1e9...1e9, using: &random) + 0.5)
            case 4:
                .string(
                    String((0..<5).map { _ in Character(Unicode.Scalar(UInt16.random(in: 0...0xD7FF, using: &random)) ?? "x") })
                        .replacing("\u{0}", with: ""))
            case 5: .array((0..<3).map { _ in value(depth + 1) })
            default: .object((0..<3).map { JSONMember("k\($0)", value(depth + 1)) })
            }
        }
        for _ in 0..<500 {
            let original = value(0)
            let text = original.prettyText
            let again = try JSONDocument.read(Array(text.utf8), bounds: .policy).value
            #expect(again.canonicalText == original.canonicalText)
            #expect(original.canonicalByteCount == original.canonicalText.utf8.count)
            #expect(again.isIdentical(to: original) || again != original)
        }
    }
}
