internal import LibOSModel
internal import StrictJSON
internal import Testing
internal import ToolBroker

@Suite struct ChannelConversationTests {
    private static let limits = ChannelLimits(frameBytes: 4096, frames: 100, syscalls: 3, totalBytes: 1 << 20, depth: 8, nodes: 64)

    private var conversation: ChannelConversation { ChannelConversation(nonce: "n", limits: Self.limits) }

    private func rule(_ frames: String...) -> ProtocolViolation.Rule? {
        var conversation = conversation
        do throws(ProtocolViolation) {
            for frame in frames { _ = try conversation.receive(Array(frame.utf8)) }
            return nil
        } catch {
            return error.rule
        }
    }

    @Test func `the call opens with the nonce as its id`() throws {
        let call = ToolCallID.new()
        let frame = conversation.opening(tool: "t", call: call, arguments: .object(["a": .int(1)]), descriptors: ["file"])
        #expect(frame.last == 0x0A)
        let value = try json(String(decoding: frame.dropLast(), as: UTF8.self))
        #expect(
            value
                == (try json(
                    #"{"id":"n","jsonrpc":"2.0","method":"tool.call","params":{"arguments":{"a":1},"call":"\#(call)","descriptors":["file"],"tool":"t"}}"#
                )))
    }

    @Test func `libOS calls, progress and one result`() throws {
        var conversation = conversation
        #expect(
            try conversation.receive(Array(#"{"jsonrpc":"2.0","id":1,"method":"libos.clock.now","params":{}}"#.utf8))
                == .syscall(id: .int(1), Syscall(name: "clock.now", arguments: .object([]))))
        #expect(
            try conversation.receive(
                Array(#"{"jsonrpc":"2.0","method":"progress","params":{"message":"half\u001b[2J","fraction":7}}"#.utf8))
                == .progress(message: "half^[[2J", fraction: 1))
        #expect(
            try conversation.receive(Array(#"{"jsonrpc":"2.0","id":"n","result":{"data":{"a":1},"content":"x"}}"#.utf8))
                == .result(ToolOutput(data: .object(["a": .int(1)]), content: "x")))
    }

    @Test func `results are cleaned of terminal escapes, keys too`() throws {
        var conversation = conversation
        let frame = #"{"jsonrpc":"2.0","id":"n","result":{"data":{"\u001bk":["a\u0007b"]},"content":"\u009b31m"}}"#
        let step = try conversation.receive(Array(frame.utf8))
        guard case .result(let output) = step else {
            Issue.record("\(step)")
            return
        }
        #expect(!output.data.canonicalText.unicodeScalars.contains(where: isDangerousToPrint))
        #expect(output.content?.unicodeScalars.contains(where: isDangerousToPrint) == false)
    }

    @Test func `a tool's own error keeps its code`() throws {
        var conversation = conversation
        let frame =
            #"{"jsonrpc":"2.0","id":"n","error":{"code":-32000,"message":"late","data":{"code":"timeout","retryable":true}}}"#
        #expect(try conversation.receive(Array(frame.utf8)) == .failure(ToolFailure(.timeout, "late", isRetryable: true)))
    }

    @Test func `every way to break the protocol has its rule`() {
        let result = #"{"jsonrpc":"2.0","id":"n","result":{"data":1}}"#
        #expect(rule("{") == .notJSON)
        #expect(rule("\u{FEFF}{}") == .notJSON)
        #expect(rule(#"{"a":1,"a":2}"#) == .notJSON, "a key twice")
        #expect(rule(String(repeating: "[", count: 9) + String(repeating: "]", count: 9)) == .notJSON, "too deep")
        #expect(rule("[" + Array(repeating: "1", count: 65).joined(separator: ",") + "]") == .notJSON, "too many values")
        #expect(rule("[]") == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"1.0","id":"n","result":{"data":1}}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":{"data":1},"method":"progress"}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":1,"error":{}}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","method":"libos.clock.now"}"#) == .notJSONRPC, "a libOS call without an id")
        #expect(rule(#"{"jsonrpc":"2.0","id":null,"method":"libos.clock.now"}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"method":"libos.clock.now","params":[]}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"method":"progress","params":{"message":""}}"#) == .notJSONRPC)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"method":"tool.call"}"#) == .unknownMethod)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"method":"libos.shell.run"}"#) == .unknownMethod)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"method":"libos."}"#) == .unknownMethod)
        let now = #"{"jsonrpc":"2.0","id":1,"method":"libos.clock.now"}"#
        #expect(rule(now, now) == .duplicateID)
        #expect(
            rule(now, #"{"jsonrpc":"2.0","id":2,"method":"libos.clock.now"}"#, #"{"jsonrpc":"2.0","id":3,"method":"libos.clock.now"}"#)
                == nil)
        #expect(
            rule(
                now, #"{"jsonrpc":"2.0","id":2,"method":"libos.clock.now"}"#, #"{"jsonrpc":"2.0","id":3,"method":"libos.clock.now"}"#,
                #"{"jsonrpc":"2.0","id":4,"method":"libos.clock.now"}"#) == .tooManySyscalls)
        #expect(rule(#"{"jsonrpc":"2.0","id":"m","result":{"data":1}}"#) == .wrongNonce)
        #expect(rule(#"{"jsonrpc":"2.0","id":1,"result":{"data":1}}"#) == .wrongNonce)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":1}"#) == .malformedResult)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":{"data":1,"extra":2}}"#) == .malformedResult)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":{"content":"x"}}"#) == .malformedResult)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","result":{"data":1,"content":7}}"#) == .malformedResult)
        #expect(rule(#"{"jsonrpc":"2.0","id":"n","error":{"message":"x"}}"#) == .malformedResult)
        #expect(rule(result) == nil)
        #expect(rule(result, result) == .dataAfterResult)
        #expect(rule(result, now) == .dataAfterResult)
    }

    /// Mutations of good frames: every one is a step or a rule, and no result comes without the nonce.
    @Test func `fuzz of frames`() {
        var generator = SeededGenerator(seed: 99)
        let seeds = [
            #"{"jsonrpc":"2.0","id":1,"method":"libos.filesystem.read_text","params":{"path":"a"}}"#,
            #"{"jsonrpc":"2.0","method":"progress","params":{"message":"x","fraction":0.5}}"#,
            #"{"jsonrpc":"2.0","id":"other","result":{"data":{"a":[1,2,{"b":null}]}}}"#,
            #"{"jsonrpc":"2.0","id":"other","error":{"code":1,"message":"x","data":{"code":"timeout"}}}"#,
        ]
        for _ in 0..<20_000 {
            var bytes = Array((seeds.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...6, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: at)
                default: bytes.append(contentsOf: bytes[at...].prefix(16))
                }
            }
            var conversation = ChannelConversation(nonce: "0123456789abcdef", limits: Self.limits)
            do throws(ProtocolViolation) {
                switch try conversation.receive(bytes) {
                case .result, .failure: Issue.record("a result without the nonce: \(String(decoding: bytes, as: UTF8.self))")
                case .syscall(_, let call): #expect(LibOSCall.isName(call.name))
                case .progress: break
                }
            } catch {
                #expect(!error.message.unicodeScalars.contains(where: isDangerousToPrint))
            }
        }
    }
}
