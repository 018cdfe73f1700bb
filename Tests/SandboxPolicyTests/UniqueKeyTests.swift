import StrictJSON
import Testing

/// A key stands once in an object, whatever their number and order, and two keys are the same when their bytes are.
@Suite struct UniqueKeyTests {
    /// Two spellings of é are one text to Swift and two to JSON.
    private static let odd = ["\u{E9}", "e\u{301}", "", "a", "A", "a\u{301}", "\u{E1}"]

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func `a repeated key is found, and no other`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var (repeated, unique) = (0, 0)
        for _ in 0..<1500 {
            let count = Int.random(in: 0...40, using: &random)
            let pool = Self.odd + (0..<Int.random(in: 1...1500, using: &random)).map { "k\($0)" }
            var keys = (0..<count).map { _ in pool.randomElement(using: &random)! }
            if Bool.random(using: &random) { keys.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
            let isUnique = Set(keys.map { Array($0.utf8) }).count == count
            let text = "{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
            let value = try? JSONDocument.value(of: Array(text.utf8), bounds: .policy)
            #expect((value != nil) == isUnique, "\(text)")
            if isUnique { unique += 1 } else { repeated += 1 }
        }
        #expect(repeated > 100 && unique > 100)
    }
}
