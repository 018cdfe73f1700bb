internal import AgentRuntime
package import LibOSModel
internal import ModelContextProtocol
internal import SandboxLauncher
package import StrictJSON
internal import Synchronization
package import ToolBroker

/// Makes the calls of one session through the tool broker, as its process: each decided, sealed and on record like an agent's.
package final class RuntimeToolCaller: ToolCaller {
    package struct Session: Sendable {
        package var process: ProcessID
        /// Words behind `glovebox human approve ID` that name the store.
        package var storeWords: String
        /// Tools whose calls may change files that nobody watches.
        package var unwatched: Set<String>

        package init(process: ProcessID, storeWords: String, unwatched: Set<String>) {
            self.process = process
            self.storeWords = storeWords
            self.unwatched = unwatched
        }
    }

    /// Questions that are remembered, so that the same call finds its answer.
    private static let mostAsked = 1024

    private let session: Session
    private let broker: ToolBroker
    private let store: any RuntimeStore
    /// By the hash of tool and arguments: the last question about that very call. Two spellings that look alike are two calls, and to a
    /// comparison of characters they were one.
    private let asked = Mutex<[String: HumanRequestID]>([:])
    private let say: @Sendable (String) -> Void

    /// - Parameter say: tells the person at the other end of standard error, one line at a time.
    package init(_ session: Session, broker: ToolBroker, store: any RuntimeStore, say: @escaping @Sendable (String) -> Void) {
        self.session = session
        self.broker = broker
        self.store = store
        self.say = say
    }

    package func call(_ name: String, _ arguments: JSONValue, progress: @escaping CallProgressHandler) async -> CallReply {
        let key = SHA256Text.of(name + " " + arguments.canonicalText)
        do throws(LibOSError) {
            var resumed = asked.withLock { $0[key] }
            while true {
                let request = ToolCallRequest(process: session.process, tool: name, arguments: arguments, resumed: resumed)
                let completion = try await broker.call(
                    request, progress: { words, _ in progress(.said(words)) }, decided: { progress(.decided) })
                switch completion {
                case .done(let result):
                    if let question = resumed, result.denial?.layer == .human, try await isSpent(question) {
                        // Nobody answered that one: it is asked anew.
                        asked.withLock { $0[key] = nil }
                        resumed = nil
                        continue
                    }
                    return .done(try await answer(result, name))
                case .waiting(.human(let requests)):
                    guard let question = requests.min() else { return .done(failure("nobody can be asked about this call")) }
                    remember(question, key)
                    return .question(self.question(question, name, arguments, isNew: question != resumed))
                case .waiting: return .done(failure("the tool waits for something that a session has not"))
                }
            }
        } catch {
            // No record, no call; or what came of it could not be put on record.
            say("glovebox: a call of \(printable(name)) failed: \(error)")
            return .done(failure("the call cannot be put on record: \(error)", denial: error.denial))
        }
    }

    private func remember(_ question: HumanRequestID, _ key: String) {
        asked.withLock { asked in
            if asked.count >= Self.mostAsked { asked.removeAll() }
            asked[key] = question
        }
    }

    /// Expired and withdrawn ones; a no stands.
    private func isSpent(_ id: HumanRequestID) async throws(LibOSError) -> Bool {
        let status = try await store.read { store throws(LibOSError) in try store.humanRequest(id)?.status }
        return status == .expired || status == .cancelled || status == nil
    }

    // MARK: - What a client is told

    private func question(_ id: HumanRequestID, _ name: String, _ arguments: JSONValue, isNew: Bool) -> PendingQuestion {
        let command = "glovebox human approve \(id)\(session.storeWords)"
        say("glovebox: a person has to agree to a call of `\(printable(name))`: \(command)")
        var content = CallContent()
        content.error =
            "Glovebox did not make this call: a person has to agree to this call of `\(name)`. Ask the user to run `\(command)`, and then "
            + "make the same call with the same arguments again. The yes holds for this call alone, once."
        content.approval = .object(["request_id": .string(id.text), "command": .string(command)])
        let facts: JSONValue = .object([
            "decision": .string("ask"), "request_id": .string(id.text), "command": .string(command), "subject": .string("call"),
        ])
        return PendingQuestion(
            request: id.text, tool: name, arguments: arguments, command: command,
            unanswered: CallAnswer(isError: true, content: content.json, facts: facts), isNew: isNew)
    }

    private func failure(_ message: String, denial: Denial? = nil) -> CallAnswer {
        var content = CallContent()
        content.error = message
        content.denial = denial?.json ?? .null
        return CallAnswer(isError: true, content: content.json, facts: .object(["decision": .string("error")]))
    }

    private func answer(_ result: ToolCallResult, _ name: String) async throws(LibOSError) -> CallAnswer {
        let (record, audits) = try await store.read { store throws(LibOSError) in
            (try store.toolCall(result.call), try store.audit(AuditQuery(correlation: result.call.text, limit: 1_000)))
        }
        let report = CallReport(
            result: result, record: record, audits: audits, isCommand: isCommand(name), isUnwatched: session.unwatched.contains(name))
        let decision = result.decision == .deny || result.denial.map { $0.layer != .schema } == true ? "deny" : "allow"
        return CallAnswer(
            isError: !result.isOK, content: report.content.json,
            facts: .object(["decision": .string(decision), "call_id": .string(result.call.text)]))
    }

    private func isCommand(_ name: String) -> Bool {
        if case .command? = broker.registry.tool(named: name)?.action { true } else { false }
    }
}
