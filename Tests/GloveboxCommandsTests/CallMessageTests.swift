import Glibc
import LinuxPrimitives
import TestSupport
import Testing

@testable import GloveboxCommands

/// What a client sends and what a server makes of it, byte by byte.
@Suite struct CallMessageTests {
    private static let build: [UInt8] = Array(1...20)

    private static func bytes(
        _ kind: CallMessage.Kind = .run, _ words: [String], _ variables: [String] = [], build: [UInt8] = build
    ) -> [UInt8]? {
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        return argv.withUnsafeMutableBufferPointer { words in
            envp.withUnsafeMutableBufferPointer { variables in
                CallMessage.withBytes(
                    kind, words: UnsafeBufferPointer(words), variables: variables.baseAddress, build: build
                ) { Array($0) }
            }
        }
    }

    private static let sample = ["--timeout", "5s", "--", "/bin/sh", "-c", "", "wörter"]

    @Test func comesOutAsItWentIn() throws {
        let bytes = try #require(Self.bytes(.run, Self.sample, ["HOME=/h", "EMPTY=", "=odd", "nothing", "HOME=/second", "A=b=c"]))
        let message = try CallMessage(bytes, build: Self.build)
        #expect(message.kind == .run)
        #expect(message.words == Self.sample)
        #expect(message.variables == ["HOME": "/h", "EMPTY": "", "": "odd", "A": "b=c"])
        let status = try CallMessage(try #require(Self.bytes(.status, [])), build: Self.build)
        #expect(status.kind == .status && status.words.isEmpty && status.variables.isEmpty)
    }

    @Test func anotherBuildIsRefused() throws {
        let bytes = try #require(Self.bytes(Self.sample.isEmpty ? .status : .run, Self.sample))
        for other in [[], Array(Self.build.dropLast()), Self.build + [0], Self.build.reversed()] {
            #expect(throws: CallMessage.Refusal.otherBuild) { try CallMessage(bytes, build: other) }
        }
        var newer = bytes
        newer[4] = 2
        #expect(throws: CallMessage.Refusal.otherBuild) { try CallMessage(newer, build: Self.build) }
    }

    @Test func whatIsTooLongIsNotSent() throws {
        let fits = CallMessage.limit - 80 - 1
        #expect(Self.bytes(.run, [String(repeating: "x", count: fits)])?.count == CallMessage.limit)
        #expect(Self.bytes(.run, [String(repeating: "x", count: fits + 1)]) == nil)
        #expect(Self.bytes(.run, ["a"], [String(repeating: "x", count: fits)]) == nil)
        #expect(Self.bytes(.run, ["a"], build: []) == nil)
        #expect(Self.bytes(.run, ["a"], build: [UInt8](repeating: 1, count: 65)) == nil)
    }

    @Test func aWordThatIsNotTextIsRefused() throws {
        var bytes = try #require(Self.bytes(.run, ["--", "ab"]))
        bytes[bytes.count - 2] = 0xFF
        #expect(throws: CallMessage.Refusal.self) { try CallMessage(bytes, build: Self.build) }
    }

    /// Cut short, made longer, or with another count: each of it is seen, for every byte has its place.
    @Test func whatDoesNotAddUpIsRefused() throws {
        let bytes = try #require(Self.bytes(.run, Self.sample, ["HOME=/h"]))
        for length in 0..<bytes.count {
            #expect(throws: CallMessage.Refusal.self) { try CallMessage(Array(bytes[..<length]), build: Self.build) }
        }
        #expect(throws: CallMessage.Refusal.malformed) { try CallMessage(bytes + [0], build: Self.build) }
        #expect(throws: CallMessage.Refusal.malformed) { try CallMessage(bytes + [65], build: Self.build) }
        for place in [72, 76] {
            for count in [UInt32(0), 2, 6, 8, 1 << 16, .max] {
                var other = bytes
                withUnsafeBytes(of: count) { other.replaceSubrange(place..<place + 4, with: $0) }
                guard other != bytes else { continue }
                #expect(throws: CallMessage.Refusal.self, "\(place) \(count)") { try CallMessage(other, build: Self.build) }
            }
        }
    }

    @Test func anythingElseIsRefusedOrRead() throws {
        var random = SeededGenerator(state: 0x5E12_E5E1)
        let bytes = try #require(Self.bytes(.run, Self.sample, ["HOME=/h", "PATH=/bin"]))
        var read = 0
        for _ in 0..<20_000 {
            var other = bytes
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                other[Int.random(in: other.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { other.removeLast(Int.random(in: 0..<other.count, using: &random)) }
            guard let message = try? CallMessage(other, build: Self.build) else { continue }
            read += 1
            #expect(message.words.reduce(0) { $0 + $1.utf8.count + 1 } <= other.count)
        }
        #expect(read > 0) // flipped letters of a word are another word
        for _ in 0..<2_000 {
            let noise = (0..<Int.random(in: 0..<300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(throws: CallMessage.Refusal.self) { try CallMessage(noise, build: Self.build) }
        }
    }
}

@Suite struct AnswerMessageTests {
    private static let samples: [AnswerMessage] = [
        .declined(reason: "busy"), .declined(reason: ""), .accepted, .text(stream: 1, Array("out".utf8)), .text(stream: 2, []),
        .finished(code: 0), .finished(code: 255),
    ]

    @Test(arguments: samples)
    func comesOutAsItWentIn(_ message: AnswerMessage) {
        #expect(message.bytes.count <= AnswerMessage.limit)
        #expect(AnswerMessage(message.bytes) == message)
    }

    @Test func aLongReasonIsCut() {
        #expect(AnswerMessage.declined(reason: String(repeating: "x", count: 9000)).bytes.count == AnswerMessage.limit)
    }

    @Test func anythingElseIsNoAnswer() {
        #expect(AnswerMessage([]) == nil)
        #expect(AnswerMessage([2, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(AnswerMessage([2, 0, 0, 0, 0, 0, 0, 0, 1]) == nil)
        #expect(AnswerMessage([3, 0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(AnswerMessage([3, 3, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(AnswerMessage(AnswerMessage.finished(code: 256).bytes) == nil)
        #expect(AnswerMessage(AnswerMessage.finished(code: -1).bytes) == nil)
        #expect(AnswerMessage([UInt8](repeating: 3, count: AnswerMessage.limit + 1)) == nil)
        var random = SeededGenerator(state: 0xA45E)
        for _ in 0..<10_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...6, using: &random) }
            guard let message = AnswerMessage(bytes) else { continue }
            #expect(message.bytes == bytes)
        }
    }
}
