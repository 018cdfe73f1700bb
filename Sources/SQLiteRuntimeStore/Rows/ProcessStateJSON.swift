internal import LibOSModel
internal import StrictJSON

// Unions are objects with one key that names the case.

extension WaitState {
    var json: JSONValue {
        switch self {
        case .human(let requests): .object(["human": JSONShape.of(requests)])
        case .child(let child): .object(["child": .string(child.text)])
        case .message(let filter): .object(["message": filter.json])
        }
    }

    init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        if let requests: [HumanRequestID] = try fields.optional("human", JSONShape.ids) {
            self = .human(Set(requests))
        } else if let child: ProcessID = try fields.optional("child", JSONShape.id) {
            self = .child(child)
        } else {
            self = .message(try fields.decode("message", MessageFilter.init(json:)))
        }
        try fields.finish()
    }
}

extension MessageFilter {
    fileprivate var json: JSONValue {
        JSONShape.object([
            "kind": kind.map { .string($0.rawValue) }, "sender": sender.map { .string($0) }, "channel": channel.map { .string($0) },
            "correlation": correlation.map { .string($0) }, "reply_to": replyTo.map { .string($0.text) },
            "ids": ids.map { JSONShape.of($0) },
        ])
    }

    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        let ids: [MessageID]? = try fields.optional("ids", JSONShape.ids)
        self.init(
            kind: try fields.optional("kind", JSONShape.word), sender: try fields.optional("sender", JSONShape.text),
            channel: try fields.optional("channel", JSONShape.text), correlation: try fields.optional("correlation", JSONShape.text),
            replyTo: try fields.optional("reply_to", JSONShape.id), ids: ids.map { Set($0) })
        try fields.finish()
    }
}

extension PauseReason {
    var json: JSONValue {
        switch self {
        case .signal(let reason): .object(["signal": .optional(reason)])
        case .interrupted: .object(["interrupted": .bool(true)])
        }
    }

    init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        if let reason = fields.optional("signal") {
            self = .signal(reason == .null ? nil : try JSONShape.text(reason))
        } else {
            guard try fields.decode("interrupted", JSONShape.flag) else { throw JSONShapeError(message: "says `interrupted` is false") }
            self = .interrupted
        }
        try fields.finish()
    }
}

extension ProcessOutcome {
    var json: JSONValue {
        switch self {
        case .result(let object): .object(["result": .string(object.text)])
        case .message(let text): .object(["message": .string(text)])
        case .failure(let text): .object(["failure": .string(text)])
        case .signal(let signal, let reason):
            JSONShape.object(["signal": .string(signal.rawValue), "reason": reason.map { .string($0) }])
        case .budget(let item): .object(["budget": .string(item.rawValue)])
        }
    }

    init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        if let object: ObjectID = try fields.optional("result", JSONShape.id) {
            self = .result(object)
        } else if let text = try fields.optional("message", JSONShape.text) {
            self = .message(text)
        } else if let text = try fields.optional("failure", JSONShape.text) {
            self = .failure(text)
        } else if let signal: ProcessSignal = try fields.optional("signal", JSONShape.word) {
            self = .signal(signal, reason: try fields.optional("reason", JSONShape.text))
        } else {
            self = .budget(try fields.decode("budget", JSONShape.word))
        }
        try fields.finish()
    }
}

extension MemoryView {
    var json: JSONValue {
        JSONShape.object([
            "id": .string(id.text), "owner": .string(owner.text), "roots": .array(roots.map { $0.json }), "mode": .string(mode.rawValue),
            "created_from": createdFrom.map { .string($0.text) },
        ])
    }

    init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        self.init(
            id: try fields.decode("id", JSONShape.id), owner: try fields.decode("owner", JSONShape.id),
            roots: try fields.decode("roots") { (value) throws(JSONShapeError) in
                try JSONShape.list(value) { (item) throws(JSONShapeError) in try ObjectHandle(json: item) }
            },
            mode: try fields.decode("mode", JSONShape.word), createdFrom: try fields.optional("created_from", JSONShape.id))
        try fields.finish()
    }
}

extension ObjectHandle {
    var json: JSONValue {
        JSONShape.object([
            "object": .string(object.text), "rights": JSONShape.of(rights), "capability": .string(capability.text),
            "expires_at": expiresAt.map { .int($0.microseconds) },
        ])
    }

    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        var fields = try JSONFields(json)
        self.init(
            object: try fields.decode("object", JSONShape.id), rights: try fields.decode("rights", JSONShape.words),
            capability: try fields.decode("capability", JSONShape.id), expiresAt: try fields.optional("expires_at", JSONShape.instant))
        try fields.finish()
    }
}
