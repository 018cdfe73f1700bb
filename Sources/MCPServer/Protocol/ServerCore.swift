internal import ModelContextProtocol
internal import StrictJSON

/// Answers requests, whatever they came over: lists, and calls of tools.
package struct ServerCore: Sendable {
    package struct Identity: Sendable, Equatable {
        package var name: String
        package var title: String
        package var version: String
        /// For the model, on what it may expect.
        package var instructions: String

        package init(name: String, title: String, version: String, instructions: String) {
            self.name = name
            self.title = title
            self.version = version
            self.instructions = instructions
        }
    }

    package let identity: Identity
    /// In their order, which is the same for every client.
    package let tools: [OfferedTool]
    let caller: any ToolCaller
    let questions: any QuestionAnswering

    package init(
        identity: Identity, tools: [OfferedTool], caller: any ToolCaller, questions: any QuestionAnswering = NobodyAnswers()
    ) {
        self.identity = identity
        self.tools = tools
        self.caller = caller
        self.questions = questions
    }

    /// What a request comes to: an answer at once, or a call that takes its time.
    enum Step: Sendable {
        case result(JSONValue)
        case call(CallParameters)
    }

    func step(_ method: String, _ params: JSONValue, _ client: ClientContext) throws(ProtocolError) -> Step {
        if let meta = params["_meta"] {
            guard case .object = meta else { throw ProtocolError(.invalidParameters, "`_meta` is no object") }
        }
        switch method {
        case "tools/list":
            if params["cursor"] != nil { throw ProtocolError(.invalidParameters, "there is no such cursor: the list is given as a whole") }
            return .result(list(client.revision))
        case "tools/call":
            let call = try CallParameters.read(params)
            guard tools.contains(where: { $0.name.utf8.elementsEqual(call.name.utf8) }) else {
                throw ProtocolError(
                    .invalidParameters,
                    "there is no tool `\(printable(String(call.name.prefix(128))))`; tools/list names those that there are")
            }
            return .call(call)
        case "ping" where !client.revision.isStateless: return .result(.object([]))
        case "server/discover" where client.revision.isStateless: return .result(discovery)
        default:
            throw ProtocolError(.unknownMethod, "there is no method `\(printable(String(method.prefix(128))))`")
        }
    }

    /// Agrees on a revision with a client that begins with a handshake.
    func handshake(_ params: JSONValue) throws(ProtocolError) -> (client: ClientContext, result: JSONValue) {
        guard case .string(let version)? = params["protocolVersion"] else {
            throw ProtocolError(.invalidParameters, "`protocolVersion` is missing or no string")
        }
        guard case .object? = params["capabilities"], let capabilities = params["capabilities"] else {
            throw ProtocolError(.invalidParameters, "`capabilities` is missing or no object")
        }
        guard let info = params["clientInfo"] else { throw ProtocolError(.invalidParameters, "`clientInfo` is missing") }
        try ClientContext.checkImplementation(info, "clientInfo")
        let known = ProtocolRevision.handshakes.first { $0.rawValue.utf8.elementsEqual(version.utf8) }
        let revision = known ?? .newestHandshake
        var result = [
            JSONMember("protocolVersion", .string(revision.rawValue)), JSONMember("capabilities", Self.capabilities),
            JSONMember("serverInfo", implementation(for: revision)),
        ]
        result.append(JSONMember("instructions", .string(identity.instructions)))
        return (
            ClientContext(revision: revision, capabilities: capabilities, name: ClientContext.name(info)), .object(result)
        )
    }

    // MARK: - Lists

    private static let capabilities: JSONValue = .object(["tools": .object(["listChanged": .bool(false)])])

    private func implementation(for revision: ProtocolRevision) -> JSONValue {
        var members = [JSONMember("name", .string(identity.name)), JSONMember("version", .string(identity.version))]
        if revision.hasStructuredContent { members.append(JSONMember("title", .string(identity.title))) }
        return .object(members)
    }

    private func list(_ revision: ProtocolRevision) -> JSONValue {
        let tools = JSONMember("tools", .array(tools.map { $0.definition(for: revision) }))
        guard revision.isStateless else { return .object([tools]) }
        return .object([tools] + cacheTerms + ending(revision))
    }

    private var discovery: JSONValue {
        .object(
            [
                JSONMember("supportedVersions", .strings(ProtocolRevision.stateless.map(\.rawValue))),
                JSONMember("capabilities", Self.capabilities), JSONMember("instructions", .string(identity.instructions)),
            ] + cacheTerms + ending(.july2026))
    }

    /// What may be called is this session's matter, and no other one's.
    private var cacheTerms: [JSONMember] { [JSONMember("ttlMs", .int(0)), JSONMember("cacheScope", .string("private"))] }

    private func ending(_ revision: ProtocolRevision, _ facts: [JSONMember] = []) -> [JSONMember] {
        let server = JSONMember(ClientContext.serverKey, implementation(for: revision))
        return [JSONMember("resultType", .string("complete")), JSONMember("_meta", .object(facts + [server]))]
    }

    // MARK: - Calls

    /// A call to its end: the result of the request.
    func perform(_ call: CallParameters, _ client: ClientContext, over channel: ClientChannel) async -> JSONValue {
        var reporter: ProgressReporter?
        if let token = call.progressToken, let send = channel.send {
            reporter = ProgressReporter(token: token, revision: client.revision, send: send)
        }
        let clock = reporter.map { reporter in
            Task {
                while (try? await Task.sleep(for: .seconds(1))) != nil { reporter.tick() }
            }
        }
        defer {
            clock?.cancel()
            reporter?.finish()
        }
        let progress: CallProgressHandler = { [reporter] in reporter?.tell($0) }
        let first = await caller.call(call.name, call.arguments, progress: progress)
        guard case .question(let question) = first else { return result(of: first, client) }
        switch await questions.answer(question, call, from: client, over: channel) {
        case .decided: return result(of: await caller.call(call.name, call.arguments, progress: progress), client)
        case .reply(let result): return result
        case .refused(let answer): return self.result(of: answer, client)
        case .unanswered: return result(of: first, client)
        }
    }

    private func result(of reply: CallReply, _ client: ClientContext) -> JSONValue {
        switch reply {
        case .done(let answer): result(of: answer, client)
        case .question(let question): result(of: question.unanswered, client)
        }
    }

    func result(of answer: CallAnswer, _ client: ClientContext) -> JSONValue {
        let text = JSONValue.object(["type": .string("text"), "text": .string(answer.content.canonicalText)])
        var members = [JSONMember("content", .array([text])), JSONMember("isError", .bool(answer.isError))]
        if client.revision.hasStructuredContent { members.append(JSONMember("structuredContent", answer.content)) }
        let facts = [JSONMember(Reply.factsKey, answer.facts)]
        members += client.revision.isStateless ? ending(client.revision, facts) : [JSONMember("_meta", .object(facts))]
        return .object(members)
    }

    /// The answer to a call that finds no room.
    func overloaded(_ most: Int) -> CallAnswer {
        var content = CallContent()
        content.error = "\(most) calls are under way already; make this one again when one of them has ended"
        return CallAnswer(isError: true, content: content.json, facts: .object(["decision": .string("busy")]))
    }
}
