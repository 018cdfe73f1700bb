internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// What every change of authority leaves behind: the record, an event for its subject, and an audit row.
extension StoreTransaction {
    func add(
        _ record: CapabilityRecord, by actor: CapabilityActor, as action: String, extra: KeyValuePairs<String, JSONValue> = [:]
    ) throws(LibOSError) {
        try insert(record)
        try announce(.capabilityGranted, record, by: actor.text, extra: [:])
        try audit(action, record, by: actor.text, extra: extra)
    }

    func announce(
        _ type: EventType, _ record: CapabilityRecord, by source: String, extra: KeyValuePairs<String, JSONValue>
    ) throws(LibOSError) {
        try append(
            RuntimeEvent(
                type: type, source: source, target: record.subject.text, payload: .object(record.statement + extra.members),
                createdAt: now))
    }

    func audit(
        _ action: String, _ record: CapabilityRecord, by actor: String, extra: KeyValuePairs<String, JSONValue>
    ) throws(LibOSError) {
        let members = record.statement + record.terms + extra.members
        try append(
            AuditEntry(
                actor: actor, action: action, target: record.subject.text,
                capabilities: [record.id] + (record.parent.map { [$0] } ?? []), decision: .object(members)))
    }
}

extension CapabilityRecord {
    fileprivate var statement: [JSONMember] {
        [
            JSONMember("capability_id", .string(id.text)), JSONMember("resource", .string(resource.description)),
            JSONMember("rights", .strings(CapabilityRight.inOrder(rights).map(\.rawValue))),
        ]
    }

    fileprivate var terms: [JSONMember] {
        [
            JSONMember("subject", .string(subject.text)), JSONMember("effect", .string(effect.rawValue)),
            JSONMember("status", .string(status.rawValue)), JSONMember("expires_at", .optional(expiresAt?.description)),
            JSONMember("delegable", .bool(isDelegable)), JSONMember("revocable", .bool(isRevocable)),
            JSONMember("parent_cap_id", .optional(parent?.text)),
            JSONMember("uses_remaining", usesRemaining.map { .int($0) } ?? .null),
            JSONMember("constraints", constraints.json),
        ]
    }
}

extension CapabilityConstraints {
    var json: JSONValue {
        var members: [JSONMember] = []
        if let actionHash { members.append(JSONMember("action_hash", .string(actionHash))) }
        if let tools { members.append(JSONMember("tools", .strings(tools.sorted(by: utf8Precedes)))) }
        if let argumentPrefixes { members.append(JSONMember("argument_prefixes", .array(argumentPrefixes.map { .strings($0) }))) }
        for key in unknown.sorted(by: utf8Precedes) { members.append(JSONMember(key, .null)) }
        return .object(members)
    }
}

extension KeyValuePairs<String, JSONValue> {
    fileprivate var members: [JSONMember] { map { JSONMember($0.key, $0.value) } }
}
