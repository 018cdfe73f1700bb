package import LibOSModel
package import MCPApproval
package import ModelContextProtocol
package import SandboxLauncher
internal import StrictJSON

/// Decides, line by line, what goes to whom. It has no descriptors and no clock of its own, and keeps nothing of a message but its id.
///
/// What need not be touched goes on byte for byte. Only a call is read as a whole, and a list of tools.
package struct RelayEngine {
    /// Bytes for each side, to be taken by whoever writes.
    package var toClient: [UInt8] = []
    package var toServer: [UInt8] = []

    let gate: any ToolGate
    let limits: RelayLimits
    var forms: RelayForms
    /// The client's requests that the server has not answered.
    private var asked: [RequestID: OpenRequest] = [:]
    /// Requests of the client that were passed on so far.
    private var requests: UInt64 = 0
    /// The server's requests that the client has not answered.
    private var askedByServer: Set<RequestID> = []
    private var notes = NoteBudget()
    private var isServerGone = false
    /// No open request expires before: looking at all of them each time would cost more than the messages.
    package private(set) var nextLook = UInt64.max

    private struct OpenRequest {
        enum Kind {
            /// Apart: what is open is moved about more often than a call is looked at.
            indirect case call(ToolCall, CallTicket)
            /// Waits for a person, and the server knows nothing of it.
            indirect case held(HeldCall)
            /// The handshake.
            indirect case initialize(ClientForms)
            case list
            /// Lasts as long as the client wants to be told of something.
            case subscription
            case other
        }
        var kind: Kind
        /// Several come in one moment; the order is told by this.
        var number: UInt64
        var since: UInt64
        var isWithdrawn = false
        var violations = CallViolations()

        /// Whether the server may take as long as it likes.
        var lasts: Bool {
            switch kind {
            case .subscription, .held: true
            case .call, .initialize, .list, .other: false
            }
        }
    }

    package init(
        gate: any ToolGate, limits: RelayLimits, questions: QuestionRate = QuestionRate(), clock: any RuntimeClock = SystemClock()
    ) {
        self.gate = gate
        self.limits = limits
        forms = RelayForms(rate: questions, clock: clock)
    }

    package var hasOpenRequests: Bool { !asked.isEmpty }

    // MARK: - From the client

    package mutating func fromClient(_ item: MessageLineReader.Item, now: UInt64) {
        guard case .line(let line) = item else {
            note(.dropped(.tooLong, from: .client, id: nil))
            toClient += Reply.error(nil, code: -32600, "the message is longer than \(limits.messageBytes) bytes; send less in one message")
            return
        }
        let message: Message
        do throws(MessageProblem) {
            message = try Message.read(line)
        } catch {
            note(.dropped(.notMessage, from: .client, id: nil))
            toClient += Reply.error(nil, code: error.code, error.message)
            return
        }
        switch message.kind {
        case .request(let id, let method): request(id, method, line, now)
        case .notification(let method):
            // A call without an id is decided by nobody, and some server would make it all the same.
            guard method.utf8.starts(with: "notifications/".utf8) else {
                return note(.dropped(.notMessage, from: .client, id: nil))
            }
            if method == "notifications/cancelled", let body = message.body, withdraw(line, body) { return }
            pass(toServer: line)
        case .result(let id), .error(.some(let id)):
            if takeAnswer(id, message, line, now) { return }
            guard askedByServer.remove(id) != nil else { return note(.dropped(.unasked, from: .client, id: id)) }
            pass(toServer: line)
        case .error(nil): note(.dropped(.unasked, from: .client, id: nil))
        }
    }

    private mutating func request(_ id: RequestID, _ method: String, _ line: [UInt8], _ now: UInt64) {
        // Nothing is answered: the answer would pass for the one to the request that is open.
        if asked[id] != nil { return note(.dropped(.duplicateID, from: .client, id: id)) }
        guard asked.count < limits.openRequests else {
            note(.dropped(.tooMany, from: .client, id: id))
            toClient += Reply.error(id, .overloaded, "\(limits.openRequests) requests are open; wait for answers")
            return
        }
        if isServerGone {
            toClient += Reply.error(id, .serverGone, "the server has ended")
            return
        }
        var kind = OpenRequest.Kind.other
        switch method {
        case "tools/call":
            let call: ToolCall
            do throws(MessageProblem) {
                call = try ToolCall.read(line, bounds: limits.document)
            } catch {
                toClient += Reply.error(id, code: error.code, error.message)
                return
            }
            if let state = call.requestState, StateSealer.isOurs(state) { return retry(id, call, state, line, now) }
            switch gate.decide(call) {
            case .refuse(let text, let facts):
                toClient += Reply.refusal(id, call, text: text, facts: facts)
                return
            case .pass(let ticket): kind = .call(call, ticket)
            case .ask(let question): return ask(id, call, question, line, now)
            }
        case "initialize":
            let value = try? JSONDocument.value(of: line, bounds: limits.document)
            kind = .initialize(ClientForms.ofInitialize(value?["params"]))
        case "tools/list": kind = .list
        case "subscriptions/listen": kind = .subscription
        default: break
        }
        enter(id, kind, now)
        pass(toServer: line)
    }

    private mutating func enter(_ id: RequestID, _ kind: OpenRequest.Kind, _ now: UInt64) {
        requests += 1
        asked[id] = OpenRequest(kind: kind, number: requests, since: now)
        if case .held = kind {
            nextLook = min(nextLook, now &+ limits.approvalWait)
        } else if let silence = limits.silence {
            nextLook = min(nextLook, now &+ silence)
        }
    }

    mutating func forward(_ id: RequestID, _ call: ToolCall, _ ticket: CallTicket, _ line: [UInt8], _ now: UInt64) {
        enter(id, .call(call, ticket), now)
        pass(toServer: line)
    }

    mutating func hold(_ id: RequestID, _ held: HeldCall, _ now: UInt64) { enter(id, .held(held), now) }

    /// Takes a call that waits for a person out of those that are open.
    mutating func release(_ id: RequestID) -> HeldCall? {
        guard case .held(let held)? = asked[id]?.kind else { return nil }
        asked[id] = nil
        return held
    }

    /// The client waits no longer. An answer that is on its way may still come, and goes on as it would without us. True when the server has
    /// nothing to do with it.
    private mutating func withdraw(_ line: [UInt8], _ body: Range<Int>) -> Bool {
        guard let id = Self.cancelled(line, body) else { return false }
        if withdrawHeld(id) { return true }
        asked[id]?.isWithdrawn = true
        return false
    }

    private static func cancelled(_ line: [UInt8], _ body: Range<Int>) -> RequestID? {
        guard let place = Message.member("requestId", of: body, in: line) else { return nil }
        // Read as ids are: in an answer to it.
        let answer = Array("{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":".utf8) + line[place] + [UInt8(ascii: "}")]
        guard case .result(let id)? = try? Message.read(answer).kind else { return nil }
        return id
    }

    // MARK: - From the server

    package mutating func fromServer(_ item: MessageLineReader.Item, now: UInt64) {
        guard case .line(let line) = item else {
            guard case .tooLong(let head) = item else { return }
            return tooLong(head)
        }
        guard let message = try? Message.read(line) else { return note(.dropped(.notMessage, from: .server, id: nil)) }
        switch message.kind {
        case .notification(let method):
            if method == "notifications/cancelled", let body = message.body, let id = Self.cancelled(line, body), RelayForms.isOurs(id) {
                return note(.dropped(.reservedID, from: .server, id: id))
            }
            pass(toClient: line)
        case .request(let id, _):
            // An answer to it could be taken for one to a question of ours.
            if RelayForms.isOurs(id) { return note(.dropped(.reservedID, from: .server, id: id)) }
            if askedByServer.contains(id) { return note(.dropped(.duplicateID, from: .server, id: id)) }
            guard askedByServer.count < limits.openRequests else {
                note(.dropped(.tooMany, from: .server, id: id))
                toServer += Reply.error(id, .overloaded, "\(limits.openRequests) requests are open; wait for answers")
                return
            }
            askedByServer.insert(id)
            pass(toClient: line)
        case .error(nil): note(.dropped(.unasked, from: .server, id: nil))
        case .result(let id), .error(.some(let id)):
            guard let open = takeAsked(id) else { return note(.dropped(.unasked, from: .server, id: id)) }
            answer(id, open, message, line)
        }
    }

    /// What the server was asked. What waits for a person it was not.
    private mutating func takeAsked(_ id: RequestID) -> OpenRequest? {
        if case .held? = asked[id]?.kind { return nil }
        return asked.removeValue(forKey: id)
    }

    private mutating func answer(_ id: RequestID, _ open: OpenRequest, _ message: Message, _ line: [UInt8]) {
        var isError = false
        if case .error = message.kind { isError = true }
        switch open.kind {
        case .call(let call, let ticket):
            if line.count > limits.resultBytes { return refuseResult(id, open, call, ticket, bytes: line.count) }
            var outcome = CallEnd.Outcome.completed
            if isError {
                outcome = .protocolError
            } else if let body = message.body, let flag = Message.member("isError", of: body, in: line),
                line[flag].elementsEqual("true".utf8)
            {
                outcome = .toolError
            }
            if open.isWithdrawn { outcome = .cancelled }
            guard let shown = continuing(line, call, ticket) else { return refuseResult(id, open, call, ticket, bytes: line.count) }
            // First: the record of the end takes time that the client need not wait for.
            pass(toClient: shown)
            gate.ended(ticket, CallEnd(outcome, bytes: line.count, open.violations))
        case .list where !isError:
            do throws(MessageProblem) {
                let listing = try ToolListing.read(line, bounds: limits.document)
                guard let shown = gate.shown(listing.tools) else { return pass(toClient: line) }
                pass(toClient: listing.line(showing: shown))
            } catch {
                note(.dropped(.unreadableList, from: .server, id: id))
                toClient += Reply.error(id, code: -32603, "the server's list of tools was not passed on: \(error.message)")
            }
        case .initialize(let client):
            let value = isError ? nil : try? JSONDocument.value(of: line, bounds: limits.document)
            if case .string(let version)? = value?["result"]?["protocolVersion"] { forms.client = client.speaking(version) }
            pass(toClient: line)
        case .list, .subscription, .other, .held: pass(toClient: line)
        }
    }

    private mutating func tooLong(_ head: [UInt8]) {
        let id = Message.answeredID(head: head)
        note(.dropped(.tooLong, from: .server, id: id))
        guard let id, let open = takeAsked(id) else { return }
        guard case .call(let call, let ticket) = open.kind else {
            toClient += Reply.error(id, .answerTooLong, "the server's answer is longer than \(limits.messageBytes) bytes")
            return
        }
        refuseResult(id, open, call, ticket, bytes: nil)
    }

    private mutating func refuseResult(_ id: RequestID, _ open: OpenRequest, _ call: ToolCall, _ ticket: CallTicket, bytes: Int?) {
        let size = bytes.map { "has \($0) bytes" } ?? "has more than \(limits.messageBytes) bytes"
        toClient += Reply.refusal(
            id, call,
            text: "The result of `\(printable(call.name))` was not passed on: it \(size), and \(limits.resultBytes) are allowed. "
                + "The tool has run. Ask for less at once, for example for a part or a page.",
            facts: .object([
                "decision": .string("result_too_long"), "call_id": .string(ticket.id.text), "limit_bytes": .int(Int64(limits.resultBytes)),
            ]))
        gate.ended(ticket, CallEnd(.tooLong, bytes: bytes ?? limits.messageBytes, open.violations))
    }

    // MARK: - What happens besides

    /// Something that the sandbox refused: it belongs to the calls that are under way.
    package mutating func violated(_ violation: Violation, now: UInt64) {
        let kind = violation.kind
        for (id, open) in asked {
            if case .call = open.kind { asked[id]?.violations.add(violation, kind: kind) }
        }
        switch notes.take(violation, kind: kind, at: now) {
        case .noted: gate.noted(.violation(violation))
        case .leftOut(isFirst: true): gate.noted(.violationsLeftOut(nil, of: kind))
        case .known, .leftOut: break
        }
    }

    /// Violations that came faster than they were taken, of which only the kind and the number are known.
    package mutating func violationsLost(_ count: UInt64, kind: String) {
        for (id, open) in asked {
            if case .call = open.kind { asked[id]?.violations.leaveOut(count) }
        }
        if notes.leaveOut(count, kind: kind) { gate.noted(.violationsLeftOut(nil, of: kind)) }
    }

    /// Answers what the server has left unanswered for too long.
    /// - Parameters:
    ///   - heard: when the server last said anything.
    package mutating func expire(now: UInt64, heard: UInt64) {
        guard now >= nextLook else { return }
        defer { nextLook = nextExpiry(heard: heard) ?? .max }
        for (id, open) in asked {
            if case .held = open.kind, now >= open.since &+ limits.approvalWait { expireHeld(id, now: now) }
        }
        guard let silence = limits.silence else { return }
        for (id, open) in asked where now >= max(open.since, heard) &+ silence {
            if open.lasts { continue }
            asked[id] = nil
            toServer += Reply.cancelled(id, reason: "no answer in time")
            toClient += Reply.error(id, .timedOut, "the server has said nothing for \(silence / 1_000_000) ms")
            if case .call(_, let ticket) = open.kind { gate.ended(ticket, CallEnd(.timedOut, open.violations)) }
        }
    }

    /// When `expire` is to be called, if nothing more is heard.
    package func nextExpiry(heard: UInt64) -> UInt64? {
        asked.values.compactMap { open -> UInt64? in
            if case .held = open.kind { return open.since &+ limits.approvalWait }
            guard let silence = limits.silence, !open.lasts else { return nil }
            return max(open.since, heard) &+ silence
        }.min()
    }

    /// The server is gone: nobody waits for it any longer.
    package mutating func serverEnded(_ how: String, hadRest: Bool) {
        isServerGone = true
        if hadRest { note(.dropped(.partial, from: .server, id: nil)) }
        for (id, open) in asked.sorted(by: { $0.value.number < $1.value.number }) {
            toClient += Reply.error(id, .serverGone, "the server has ended before it answered: \(how)")
            if case .call(_, let ticket) = open.kind { gate.ended(ticket, CallEnd(.serverEnded, open.violations)) }
            if case .held(let held) = open.kind { giveUp(held) }
        }
        asked = [:]
    }

    /// Nobody takes answers any more.
    package mutating func clientEnded() {
        for open in asked.values {
            if case .call(_, let ticket) = open.kind { gate.ended(ticket, CallEnd(.cancelled, open.violations)) }
            if case .held(let held) = open.kind { giveUp(held) }
        }
        asked = [:]
    }

    /// Tells how many notes were left out. Once, at the end.
    package mutating func conclude() { for note in notes.leftOut() { gate.noted(note) } }

    private mutating func note(_ note: RelayNote) {
        guard case .dropped(let drop, let side, _) = note else { return gate.noted(note) }
        if notes.admits(drop, from: side) { gate.noted(note) }
    }

    private mutating func pass(toClient line: [UInt8]) {
        toClient += line
        toClient.append(0x0A)
    }

    private mutating func pass(toServer line: [UInt8]) {
        toServer += line
        toServer.append(0x0A)
    }
}
