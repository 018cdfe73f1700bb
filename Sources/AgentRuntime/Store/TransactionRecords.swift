internal import LibOSModel
internal import StrictJSON

/// The two rows that every change of state leaves behind in its own transaction.
extension StoreTransaction {
    /// Appends an event. `target` nil means everybody.
    func emit(
        _ type: EventType, from source: String, to target: String?, _ payload: JSONValue, priority: RuntimeEvent.Priority = .normal
    ) throws(LibOSError) {
        try append(RuntimeEvent(type: type, source: source, target: target, payload: payload, priority: priority, createdAt: now))
    }

    /// Appends an audit record.
    func audit(
        _ action: String, by actor: String, target: String?, inputs: [ObjectID] = [], outputs: [ObjectID] = [],
        capabilities: [CapabilityID] = [], _ decision: JSONValue = .object([])
    ) throws(LibOSError) {
        try append(
            AuditEntry(
                actor: actor, action: action, target: target, inputs: inputs, outputs: outputs, capabilities: capabilities,
                decision: decision))
    }
}

extension ProcessID {
    /// As audit records and capabilities name a process.
    var resourceText: String { "process:\(self)" }
}

extension ObjectID {
    var resourceText: String { "object:\(self)" }
}

extension JSONValue {
    static func ids<Kind: IdentifierKind>(_ ids: some Sequence<Identifier<Kind>>) -> JSONValue {
        .array(ids.map { .string($0.text) })
    }

    static func optional<Kind: IdentifierKind>(_ id: Identifier<Kind>?) -> JSONValue { .optional(id?.text) }
}
