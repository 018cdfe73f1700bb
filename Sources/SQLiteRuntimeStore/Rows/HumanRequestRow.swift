internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension HumanRequest: StoredRecord {
    static let table = StoredTable(
        "human_request",
        ["id", "process", "human", "content", "status", "decision", "is_blocking", "expires_at", "created_at", "updated_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(process)
        values.bind(human)
        try values.bind(json: try content.json())
        values.bind(status.rawValue)
        try values.bind(json: decision?.json)
        values.bind(isBlocking)
        values.bind(expiresAt)
        values.bind(createdAt)
        values.bind(updatedAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), process: try row.id(), human: try row.text(), content: try row.json(Content.init(json:)),
            status: try row.word(), decision: try row.optionalJSON(HumanDecision.init(json:)), isBlocking: try row.flag(),
            expiresAt: try row.optionalInstant(), createdAt: try row.instant(), updatedAt: try row.instant())
    }
}

extension HumanRequest.Content {
    fileprivate func json() throws(LibOSError) -> JSONValue {
        switch self {
        case .question(let text, let context): return .object(["kind": .string(kind), "text": .string(text), "context": context])
        case .permission(let request, let question, let reason):
            return .object([
                "kind": .string(kind), "resource": try request.resource.json(), "rights": JSONShape.of(request.rights),
                "question": .string(question), "reason": .string(reason),
            ])
        case .approval(let request, let question):
            var needs: [JSONValue] = []
            for need in request.needs {
                needs.append(.object(["resource": try need.resource.json(), "rights": JSONShape.of(need.rights)]))
            }
            return .object([
                "kind": .string(kind), "tool": .string(request.tool), "arguments": request.arguments,
                "action_hash": .string(request.actionHash), "policy_hash": .string(request.policyHash), "needs": .array(needs),
                "rules": .strings(request.rules), "facts": request.facts, "question": .string(question),
            ])
        case .output(let message, let channel):
            return .object(["kind": .string(kind), "message": .string(message), "channel": .string(channel)])
        }
    }

    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        switch try fields.decode("kind", JSONShape.text) {
        case "question":
            self = .question(text: try fields.decode("text", JSONShape.text), context: try fields.value("context"))
        case "permission_request":
            self = .permission(
                PermissionRequest(
                    resource: try fields.decode("resource", Resource.init(json:)), rights: try fields.decode("rights", JSONShape.words)),
                question: try fields.decode("question", JSONShape.text), reason: try fields.decode("reason", JSONShape.text))
        case "external_operation_approval":
            self = .approval(
                ApprovalRequest(
                    tool: try fields.decode("tool", JSONShape.text), arguments: try fields.value("arguments"),
                    actionHash: try fields.decode("action_hash", JSONShape.text),
                    policyHash: try fields.decode("policy_hash", JSONShape.text),
                    needs: try fields.decode("needs", NeededRight.list), rules: try fields.optional("rules", JSONShape.texts) ?? [],
                    facts: try fields.value("facts")),
                question: try fields.decode("question", JSONShape.text))
        case "output":
            self = .output(message: try fields.decode("message", JSONShape.text), channel: try fields.decode("channel", JSONShape.text))
        default: throw JSONShapeError(message: "is of no known kind")
        }
        try fields.finish()
    }
}

extension NeededRight {
    fileprivate static func list(_ value: JSONValue) throws(JSONShapeError) -> [NeededRight] {
        try JSONShape.list(value) { (item) throws(JSONShapeError) in
            var fields = try JSONFields(item)
            let need = NeededRight(
                resource: try fields.decode("resource", Resource.init(json:)), rights: try fields.decode("rights", JSONShape.words))
            try fields.finish()
            return need
        }
    }
}

extension Resource {
    fileprivate func json() throws(LibOSError) -> JSONValue {
        try checkText()
        return .object(["text": .string(description), "extent": .string(extent.word)])
    }

    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        let text = try fields.decode("text", JSONShape.text)
        guard let extent = Extent(word: try fields.decode("extent", JSONShape.text)) else {
            throw JSONShapeError(message: "holds an unknown extent")
        }
        try fields.finish()
        do {
            self = try Resource(text: text, extent: extent)
        } catch {
            throw JSONShapeError(message: "names no resource: \(error.message)")
        }
    }
}

extension HumanDecision {
    fileprivate var json: JSONValue {
        JSONShape.object([
            "responder": .string(responder), "is_approved": .bool(isApproved), "answer": answer.map { .string($0) },
            "policy": policy.map { .string($0.rawValue) }, "reason": reason.map { .string($0) },
            "expires_at": expiresAt.map { .int($0.microseconds) },
        ])
    }

    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        self.init(
            responder: try fields.decode("responder", JSONShape.text), isApproved: try fields.decode("is_approved", JSONShape.flag),
            answer: try fields.optional("answer", JSONShape.text), policy: try fields.optional("policy", JSONShape.word),
            reason: try fields.optional("reason", JSONShape.text), expiresAt: try fields.optional("expires_at", JSONShape.instant))
        try fields.finish()
    }
}
