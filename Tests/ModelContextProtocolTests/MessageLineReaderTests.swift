import ModelContextProtocol
import StrictJSON
import TestSupport
import Testing

@Suite struct MessageLineReaderTests {
    static func lines(_ text: String, longest: Int = 100, piece: Int = .max) -> ([MessageLineReader.Item], hasRest: Bool) {
        var reader = MessageLineReader(longest: longest)
        var items: [MessageLineReader.Item] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let now = Array(rest.prefix(piece))
            now.withUnsafeBytes { reader.append($0) }
            rest = rest.dropFirst(now.count)
            while let item = reader.next() { items.append(item) }
        }
        return (items, reader.hasRest)
    }

    static func line(_ text: String) -> MessageLineReader.Item { .line(Array(text.utf8)) }

    @Test("lines come whole, however they arrive; blank ones do not", arguments: [1, 2, 3, 7, .max]) func pieces(_ size: Int) {
        let (items, hasRest) = Self.lines("one\n\n \r\ntwo\r\nthree", piece: size)
        #expect(items == [Self.line("one"), Self.line("two\r")] && hasRest)
        #expect(!Self.lines("one\n \t", piece: size).hasRest)
    }

    @Test("a line that is too long is reported once and skipped; the next one counts", arguments: [1, 5, 64, .max])
    func long(_ size: Int) {
        let (items, hasRest) = Self.lines(String(repeating: "x", count: 250) + "\nok\n", piece: size)
        #expect(items.count == 2 && items.last == Self.line("ok") && !hasRest)
        guard case .tooLong(let head)? = items.first else {
            Issue.record("\(items)")
            return
        }
        #expect(!head.isEmpty && head.allSatisfy { $0 == UInt8(ascii: "x") })
        #expect(Self.lines(String(repeating: "x", count: 100) + "\n").0 == [Self.line(String(repeating: "x", count: 100))])
    }

    @Test("of an endless line no more than its bound is kept") func endless() {
        var reader = MessageLineReader(longest: 1 << 16)
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 16)
        var reported = 0
        for _ in 0..<1600 { // 100 MB
            piece.withUnsafeBytes { reader.append($0) }
            while let item = reader.next() { if case .tooLong = item { reported += 1 } }
        }
        #expect(reported == 1 && reader.hasRest)
        Array("\n{}\n".utf8).withUnsafeBytes { reader.append($0) }
        #expect(reader.next() == Self.line("{}") && reader.next() == nil)
    }

    @Test("whatever comes in, lines come out as they went in, and what is a message is JSON", arguments: 0..<40)
    func fuzz(_ seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let seeds = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"p":["x",{"q":null}]}}}"#,
            #"{"jsonrpc":"2.0","id":"a\"b","result":{"content":[{"type":"text","text":"\u00e9\\"}],"isError":false}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.5e3}}"#,
        ].map { Array($0.utf8) }
        let spices = Array("{}[]\":,\\\n\r\t 019-eE.nulltruefalse\u{17F}é".utf8) + [0, 0x1F, 0x7F, 0xC0, 0xFF]
        var stream: [UInt8] = []
        for _ in 0..<200 {
            var line = seeds[Int.random(in: 0..<seeds.count, using: &random)]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let at = Int.random(in: 0..<line.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: line[at] = spices[Int.random(in: 0..<spices.count, using: &random)]
                case 1: line.insert(spices[Int.random(in: 0..<spices.count, using: &random)], at: at)
                case 2: line.removeSubrange(at..<min(line.count, at + Int.random(in: 1...8, using: &random)))
                default: line += line[at...]
                }
                if line.isEmpty { line = [0x20] }
            }
            stream += line + [0x0A]
        }
        var reader = MessageLineReader(longest: 300)
        var read: [[UInt8]] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int.random(in: 1...500, using: &random)))
            piece.withUnsafeBytes { reader.append($0) }
            rest = rest.dropFirst(piece.count)
            while let item = reader.next() { if case .line(let line) = item { read.append(line) } }
        }
        let expected = stream.split(separator: 0x0A).filter { line in
            line.count <= 300 && !line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        }
        #expect(read == expected.map(Array.init))
        var messages = 0
        for line in read {
            guard let message = try? Message.read(line) else { continue }
            messages += 1
            // The strict reader may refuse more, but what it reads has the same method and the same id.
            guard let value = try? JSONDocument.value(of: line, bounds: DocumentBounds(bytes: 1 << 16, depth: 64, nodes: 10_000)) else {
                continue
            }
            switch message.kind {
            case .request(let id, let method):
                #expect(value["method"] == .string(method))
                #expect(value["id"].map { Array($0.canonicalText.utf8) } == id.bytes || id.text.contains(where: { ".eE".contains($0) }))
            case .notification(let method): #expect(value["method"] == .string(method) && value["id"] == nil)
            case .result(let id):
                #expect(value["result"] != nil && value["error"] == nil)
                #expect(value["id"].map { Array($0.canonicalText.utf8) } == id.bytes || id.text.contains(where: { ".eE".contains($0) }))
            case .error: #expect(value["error"] != nil && value["result"] == nil)
            }
            if let body = message.body {
                let part = try JSONDocument.value(of: Array(line[body]), bounds: DocumentBounds(bytes: 1 << 16, depth: 64, nodes: 10_000))
                #expect([value["params"], value["result"], value["error"]].contains(part))
            }
        }
        #expect(messages > 20)
    }
}
