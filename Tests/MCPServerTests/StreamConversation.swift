import MCPServer
import ModelContextProtocol
import StrictJSON
import Synchronization
import Testing

/// One client of an engine: what it says goes in as lines, what it hears comes out as values in their order.
final class StreamConversation: Sendable {
    let caller = FakeToolCaller()
    let engine: StreamEngine
    private let heard: Mutex<[JSONValue]>
    private let stream: AsyncStream<JSONValue>

    /// - Parameter other: makes the calls in the place of `caller`.
    init(questions: any QuestionAnswering = NobodyAnswers(), other: (any ToolCaller)? = nil) {
        let (stream, continuation) = AsyncStream.makeStream(of: JSONValue.self)
        self.stream = stream
        heard = Mutex([])
        let core = ServerCore(
            identity: .init(name: "glovebox", title: "Glovebox", version: "1", instructions: "Sealed."), tools: FakeToolCaller.tools,
            caller: other ?? caller, questions: questions)
        engine = StreamEngine(core) { line in
            // One whole line each, or a client could not tell them apart.
            guard line.last == 0x0A, !line.dropLast().contains(0x0A) else { preconditionFailure("no line: \(line)") }
            guard let value = try? JSONDocument.value(of: Array(line.dropLast()), bounds: Envelope.bounds) else {
                preconditionFailure("no JSON: \(String(decoding: line, as: UTF8.self))")
            }
            continuation.yield(value)
        }
    }

    func say(_ text: String) { engine.receive(.line(Array(text.utf8))) }

    /// The next message of the server's.
    func hear() async -> JSONValue {
        for await value in stream { return value }
        preconditionFailure("the server has gone")
    }

    func ask(_ text: String) async -> JSONValue {
        say(text)
        return await hear()
    }

    func initialize(_ version: String = "2025-11-25", capabilities: String = "{}") async -> JSONValue {
        await ask(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(version)","capabilities":\#(capabilities),"#
                + #""clientInfo":{"name":"c","version":"1"}}}"#)
    }
}

extension JSONValue {
    /// `result.content.0.text` in short; nil when it leads nowhere.
    func at(_ path: String) -> JSONValue? {
        var value: JSONValue? = self
        for part in path.split(separator: ".") {
            if let index = Int(part), case .array(let items)? = value {
                value = items.indices.contains(index) ? items[index] : nil
            } else {
                value = value?[String(part)]
            }
        }
        return value
    }

    var errorCode: Int64? { if case .int(let code)? = at("error.code") { code } else { nil } }
}

/// Parameters of a request that says its version itself.
func stateless(_ members: String = "", version: String = "2026-07-28", meta: String = "") -> String {
    #"{\#(members.isEmpty ? "" : members + ",")"_meta":{"io.modelcontextprotocol/protocolVersion":"\#(version)","#
        + #""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}\#(meta)}}"#
}
