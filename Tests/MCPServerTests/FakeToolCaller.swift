import MCPServer
import StrictJSON
import Synchronization

/// Does nothing: `echo` gives its arguments back, `slow` lasts until it is cancelled, `asks` comes to a question first.
final class FakeToolCaller: ToolCaller {
    let calls = Mutex<[String]>([])
    let cancelled = Mutex<[String]>([])
    private let agreed = Mutex(false)

    func agree() { agreed.withLock { $0 = true } }

    func call(_ name: String, _ arguments: JSONValue, progress: @escaping CallProgressHandler) async -> CallReply {
        calls.withLock { $0.append(name) }
        switch name {
        case "slow":
            progress(.decided)
            while (try? await Task.sleep(for: .seconds(3_600))) != nil {}
            cancelled.withLock { $0.append(name) }
            return .done(Self.answer(.null, isError: true))
        case "asks" where !agreed.withLock({ $0 }):
            var content = CallContent()
            content.error = "a person has to agree"
            content.approval = .object(["request_id": .string("hreq_1"), "command": .string("glovebox human approve hreq_1")])
            return .question(
                PendingQuestion(
                    request: "hreq_1", tool: name, arguments: arguments, command: "glovebox human approve hreq_1",
                    unanswered: CallAnswer(isError: true, content: content.json, facts: .object(["decision": .string("ask")])), isNew: true)
            )
        default:
            progress(.decided)
            progress(.said("half"))
            return .done(Self.answer(arguments, isError: false))
        }
    }

    static func answer(_ result: JSONValue, isError: Bool) -> CallAnswer {
        var content = CallContent()
        content.isOK = !isError
        content.result = result
        content.auditID = "audit_1"
        return CallAnswer(isError: isError, content: content.json, facts: .object(["decision": .string("allow")]))
    }

    static let tools = ["asks", "echo", "slow"].map { name in
        OfferedTool(
            name: name, title: name.uppercased(), description: "Does \(name).",
            inputSchema: .object(["type": .string("object")]), outputSchema: CallContent.schema(result: nil),
            annotations: .init(isReadOnly: true, isDestructive: false, isIdempotent: true, isOpenWorld: false))
    }
}
