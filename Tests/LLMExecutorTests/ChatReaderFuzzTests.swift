import LLMExecutor
import TestSupport
import Testing

/// What a stranger sends: whatever it is, reading it ends, and only a whole answer is one.
struct ChatReaderFuzzTests {
    private static func frame(_ delta: String, _ finish: String = "null") -> String {
        #"data: {"id":"r","model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"# + "\n\n"
    }
    private static let beforeEnd =
        ": hello\r\n\r\n" + frame(#"{"content":"thinking äöü"}"#)
        + frame(#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"echo","arguments":"{\"te"}}]}"#)
        + frame(#"{"tool_calls":[{"index":0,"function":{"arguments":"xt\":\"x\"}"}}]}"#)
    private static let stream = Array((beforeEnd + frame("{}", #""tool_calls""#) + "data: [DONE]\n\n").utf8)

    private func read(_ pieces: [ArraySlice<UInt8>], type: String = "text/event-stream") -> Result<ModelCompletion, ChatFailure> {
        var bounds = ChatBounds()
        bounds.body = 4096
        bounds.stream = 8192
        var reader = ChatReader(bounds: bounds, now: 0)
        reader.begin(status: 200) { $0 == "content-type" ? type : nil }
        do throws(ChatFailure) {
            for piece in pieces {
                guard try reader.take(piece) else { break }
            }
            return .success(try reader.finish())
        } catch {
            return .failure(error)
        }
    }

    private func cut(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...40, using: &random))
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }

    @Test("the same bytes are the same answer, however they are cut") func anyCut() throws {
        var random = SeededGenerator(state: 11)
        let whole = try read([Self.stream[...]]).get()
        #expect(whole.toolCalls.map(\.arguments) == [.text(#"{"text":"x"}"#)] && whole.content == "thinking äöü")
        for _ in 0..<300 { #expect(try read(cut(Self.stream, &random)).get() == whole) }
    }

    @Test("no beginning of an answer is an answer") func anyBeginning() {
        for length in 0...Self.beforeEnd.utf8.count {
            guard case .failure(let failure) = read([Self.stream[..<length]]) else {
                Issue.record("the first \(length) bytes passed for an answer")
                continue
            }
            #expect(failure.isTransient, "a cut answer is asked for again")
        }
    }

    @Test("changed bytes end in an answer or an error", arguments: ["text/event-stream", "application/json"]) func changed(_ type: String) {
        var random = SeededGenerator(state: 12)
        var answers = 0
        for _ in 0..<3000 {
            var bytes = Self.stream
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let at = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count - 1, at + 9))
                case 2: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 60)], at: at)
                default: bytes.insert(contentsOf: Array("\n\ndata: {\"choices\":[{\"delta\":{}}]}\n\n".utf8), at: at)
                }
            }
            if case .success(let completion) = read(cut(bytes, &random), type: type) {
                answers += 1
                #expect(completion.content.utf8.count <= ChatBounds().content && completion.toolCalls.count <= ChatBounds().toolCalls)
            }
        }
        #expect(type == "application/json" ? answers == 0 : answers > 0 && answers < 3000)
    }
}
