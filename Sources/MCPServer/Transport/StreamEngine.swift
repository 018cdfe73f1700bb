package import ModelContextProtocol
internal import StrictJSON
internal import Synchronization
internal import ToolBroker

/// The server's side of one stream of lines, in both families of the protocol: which one a message belongs to, it says itself.
///
/// Lines go in one after the other; what is answered comes out as it is ready. Nothing here waits but `close`.
package final class StreamEngine: Sendable {
    /// Calls at the same time, and messages of one batch.
    package static let mostCalls = 32
    private static let largestBatch = 64

    private struct Running {
        var task: Task<Void, Never>
        let cancellation: CallCancellation
        /// Its client has said that it waits no longer.
        var isCancelled = false
    }

    private struct State {
        /// Agreed on by a handshake.
        var client: ClientContext?
        var running: [RequestID: Running] = [:]
        var isClosed = false
    }

    private let core: ServerCore
    private let send: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())

    /// - Parameter send: takes whole lines, in their order. It must not wait.
    package init(_ core: ServerCore, send: @escaping @Sendable ([UInt8]) -> Void) {
        self.core = core
        self.send = send
    }

    package func receive(_ item: MessageLineReader.Item) {
        switch item {
        case .tooLong:
            refuse(nil, ProtocolError(.invalidRequest, "the message is longer than \(Envelope.bounds.bytes) bytes"))
        case .line(let line):
            do throws(ProtocolError) {
                let value = try Envelope.value(of: line)
                if case .array(let items) = value {
                    try receive(batch: items)
                } else {
                    receive(value, isAlone: true) { [self] answer in
                        if let answer { send(ServerMessage.line(answer)) }
                    }
                }
            } catch {
                refuse(nil, error)
            }
        }
    }

    /// Ends what is under way, and returns when all of it has ended.
    /// - Parameter cause: for the records of the calls that are cancelled.
    package func close(because cause: String = "its client has left") async {
        let running = state.withLock { state in
            state.isClosed = true
            for id in Array(state.running.keys) { state.running[id]?.isCancelled = true }
            return Array(state.running.values)
        }
        for call in running {
            call.cancellation.note(cause)
            call.task.cancel()
        }
        for call in running { await call.task.value }
    }

    private func refuse(_ id: RequestID?, _ error: ProtocolError) { send(ServerMessage.line(ServerMessage.error(id, error))) }

    // MARK: - Batches

    private func receive(batch items: [JSONValue]) throws(ProtocolError) {
        guard state.withLock({ $0.client?.revision.hasBatches }) == true else {
            throw ProtocolError(
                .invalidRequest, "several messages in one line are part of the revision 2025-03-26 alone; send each in a line")
        }
        guard !items.isEmpty, items.count <= Self.largestBatch else {
            throw ProtocolError(.invalidRequest, "a batch has 1 to \(Self.largestBatch) messages")
        }
        let answers = BatchAnswers(count: items.count) { [self] answers in
            if !answers.isEmpty { send(ServerMessage.line(.array(answers))) }
        }
        for item in items { receive(item, isAlone: false) { answers.add($0) } }
    }

    // MARK: - Messages

    /// - Parameter deliver: called once, when the message is dealt with: with its answer, or nil when there is none.
    private func receive(_ value: JSONValue, isAlone: Bool, deliver: @escaping @Sendable (JSONValue?) -> Void) {
        do throws(Envelope.Problem) {
            switch try Envelope.read(value) {
            case .answer(let id, let answer):
                // One that nobody waits for is late, or made up.
                _ = core.questions.received(answer, to: id)
                deliver(nil)
            case .notification(let method, let params):
                if method == "notifications/cancelled" { cancel(params) }
                deliver(nil)
            case .request(let id, let method, let params):
                do throws(ProtocolError) {
                    try receive(id, method, params, isAlone: isAlone, deliver: deliver)
                } catch {
                    deliver(ServerMessage.error(id, error))
                }
            }
        } catch {
            deliver(ServerMessage.error(error.id, error.error))
        }
    }

    private func receive(
        _ id: RequestID, _ method: String, _ params: JSONValue, isAlone: Bool, deliver: @escaping @Sendable (JSONValue?) -> Void
    ) throws(ProtocolError) {
        if state.withLock({ $0.running[id] != nil }) {
            throw ProtocolError(.invalidRequest, "a request with this id is under way; each has one of its own")
        }
        let stated = try ClientContext.stated(in: params)
        if stated == nil, method == "initialize" {
            deliver(ServerMessage.result(id, try begin(params, isAlone: isAlone)))
            return
        }
        guard let client = stated ?? state.withLock({ $0.client }) else {
            // A ping may come before everything else.
            if method == "ping" {
                deliver(ServerMessage.result(id, .object([])))
                return
            }
            throw ProtocolError(
                .invalidRequest,
                "nothing was agreed on: begin with `initialize`, or name the version in `_meta` (`\(ClientContext.versionKey)`)")
        }
        switch try core.step(method, params, client) {
        case .result(let result): deliver(ServerMessage.result(id, result))
        case .call(let call): start(id, call, client, deliver)
        }
    }

    private func begin(_ params: JSONValue, isAlone: Bool) throws(ProtocolError) -> JSONValue {
        guard isAlone else { throw ProtocolError(.invalidRequest, "`initialize` is no part of a batch") }
        let (client, result) = try core.handshake(params)
        let isFirst = state.withLock { state in
            defer { if state.client == nil { state.client = client } }
            return state.client == nil
        }
        guard isFirst else { throw ProtocolError(.invalidRequest, "the session was initialized before") }
        return result
    }

    // MARK: - Calls

    private func start(
        _ id: RequestID, _ call: CallParameters, _ client: ClientContext, _ deliver: @escaping @Sendable (JSONValue?) -> Void
    ) {
        let isStarted = state.withLock { state in
            guard !state.isClosed, state.running.count < Self.mostCalls else { return false }
            let channel = ClientChannel { [self] message in send(ServerMessage.line(message)) }
            let cancellation = CallCancellation()
            let task = Task { [self] in
                let result = await CallCancellation.$current.withValue(cancellation) { await core.perform(call, client, over: channel) }
                let ended = self.state.withLock { $0.running.removeValue(forKey: id) }
                deliver(ended?.isCancelled == false ? ServerMessage.result(id, result) : nil)
            }
            state.running[id] = Running(task: task, cancellation: cancellation)
            return true
        }
        if !isStarted { deliver(ServerMessage.result(id, core.result(of: core.overloaded(Self.mostCalls), client))) }
    }

    /// The call's whole tree is ended, and it is not answered any more. Unknown ids are late, which is nobody's fault.
    private func cancel(_ params: JSONValue) {
        guard let id = params["requestId"].flatMap(Envelope.requestID) else { return }
        let call = state.withLock { state in
            state.running[id]?.isCancelled = true
            return state.running[id]
        }
        call?.cancellation.note("its client cancelled it")
        call?.task.cancel()
    }
}

/// Answers of one batch, which go back in one line when the last one is there.
private final class BatchAnswers: Sendable {
    private let state: Mutex<(missing: Int, answers: [JSONValue])>
    private let complete: @Sendable ([JSONValue]) -> Void

    init(count: Int, complete: @escaping @Sendable ([JSONValue]) -> Void) {
        state = Mutex((count, []))
        self.complete = complete
    }

    func add(_ answer: JSONValue?) {
        let answers: [JSONValue]? = state.withLock { state in
            if let answer { state.answers.append(answer) }
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        if let answers { complete(answers) }
    }
}
