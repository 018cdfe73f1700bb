import LibOSModel
import Testing

@Suite struct NewIdentifierTests {
    @Test func `ids that are made side by side are all different, and each is one that is accepted`() async {
        let (makers, each) = (8, 5_000)
        var all: Set<String> = []
        await withTaskGroup(of: [ToolCallID].self) { group in
            for _ in 0..<makers { group.addTask { (0..<each).map { _ in .new() } } }
            for await ids in group {
                for id in ids {
                    #expect(ToolCallID(id.text) == id)
                    // Without the time in front of them too: what cannot be guessed is the rest.
                    all.insert(String(id.text.suffix(20)))
                }
            }
        }
        #expect(all.count == makers * each)
    }
}
