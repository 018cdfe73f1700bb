internal import LibOSModel
internal import StrictJSON
internal import Testing
internal import ToolBroker

@Suite struct FrameReaderTests {
    private static let small = ChannelLimits(frameBytes: 16, frames: 4, syscalls: 2, totalBytes: 64, depth: 4, nodes: 16)

    private func frames(_ pieces: [String], limits: ChannelLimits = small) throws -> [String] {
        var reader = FrameReader(limits)
        var result: [String] = []
        for piece in pieces {
            try reader.append(Array(piece.utf8))
            while let frame = try reader.next() { result.append(String(decoding: frame, as: UTF8.self)) }
        }
        return result
    }

    private func rule(_ pieces: [String]) -> ProtocolViolation.Rule? {
        do {
            _ = try frames(pieces)
            return nil
        } catch {
            return (error as? ProtocolViolation)?.rule
        }
    }

    @Test func `lines come out whole, however they went in`() throws {
        #expect(try frames(["a\nbb\n"]) == ["a", "bb"])
        #expect(try frames(["a", "\n", "b", "b\n", "c"]) == ["a", "bb"])
        #expect(try frames(["\n\na\n"]) == ["a"])
    }

    @Test func `length, number and sum are bounded`() {
        #expect(rule([String(repeating: "a", count: 16) + "\n"]) == nil)
        #expect(rule([String(repeating: "a", count: 17) + "\n"]) == .frameTooLong)
        #expect(rule([String(repeating: "a", count: 17)]) == .frameTooLong, "also without an end")
        #expect(rule(["a\n", "a\n", "a\n", "a\n", "a\n"]) == .tooManyFrames)
        #expect(rule(["\n\n\n\n\n"]) == .tooManyFrames, "empty lines count")
        #expect(rule(Array(repeating: "aaaaaaaa\n", count: 5)) == .tooManyFrames)
        #expect(rule([String(repeating: "aaaaaaaaaaaaaa\n", count: 5)]) == .tooMuchData)
    }

    @Test func `what is left over is known`() throws {
        var reader = FrameReader(Self.small)
        #expect(!reader.hasRest)
        try reader.append(Array("a\nb".utf8))
        #expect(reader.hasRest)
        _ = try reader.next()
        #expect(reader.hasRest, "half a frame")
        #expect(try reader.next() == nil)
        try reader.append(Array("\n".utf8))
        #expect(try reader.next() == Array("b".utf8))
        #expect(!reader.hasRest)
    }

    /// Cut anywhere, the same bytes give the same frames or the same refusal.
    @Test func `fuzz: the cuts between reads change nothing`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            let letters: [UInt8] = [UInt8(ascii: "\n"), UInt8(ascii: "a"), 0, 0xFF, UInt8(ascii: "{")]
            let bytes: [UInt8] = (0..<Int.random(in: 0...60, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? 0 }
            func outcome(_ pieces: [[UInt8]]) -> (frames: [[UInt8]], rule: ProtocolViolation.Rule?) {
                var reader = FrameReader(Self.small)
                var result: [[UInt8]] = []
                do {
                    for piece in pieces {
                        try reader.append(piece)
                        while let frame = try reader.next() { result.append(frame) }
                    }
                    return (result, nil)
                } catch {
                    return (result, error.rule)
                }
            }
            let whole = outcome([bytes])
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let cut = outcome(pieces)
            #expect(whole.frames == cut.frames)
            #expect(whole.rule == cut.rule)
        }
    }
}
