internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension CapabilityRecord {
    /// Keys of `glovebox.capability/1`.
    var members: [JSONMember] {
        [
            JSONMember("capability_id", .string(id.text)), JSONMember("subject", .string(subject.text)),
            JSONMember("resource", .string(resource.description)),
            JSONMember("rights", .strings(CapabilityRight.inOrder(rights).map(\.rawValue))), JSONMember("effect", .string(effect.rawValue)),
            JSONMember("constraints", constraints.members), JSONMember("issued_by", .string(issuedBy)),
            JSONMember("issued_at", .string(issuedAt.description)), JSONMember("expires_at", .optional(expiresAt?.description)),
            JSONMember("delegable", .bool(isDelegable)), JSONMember("revocable", .bool(isRevocable)),
            JSONMember("status", .string(status.rawValue)), JSONMember("parent", .optional(parent?.text)),
            JSONMember("delegation_depth", .int(delegationDepth)), JSONMember("uses_remaining", usesRemaining.map { .int($0) } ?? .null),
        ]
    }

    var json: JSONValue { .object(members) }

    /// One line for people.
    var line: String {
        var parts = ["\(id)", effect.rawValue, "\(resource)", CapabilityWords.names(rights)]
        if status != .active { parts.append("(\(status.rawValue))") }
        if let usesRemaining { parts.append("\(usesRemaining) uses left") }
        if constraints.actionHash != nil { parts.append("for one action") }
        if let tools = constraints.tools { parts.append("for " + tools.sorted().joined(separator: ",")) }
        if let expiresAt { parts.append("until \(expiresAt)") }
        parts.append("by \(issuedBy)")
        return parts.joined(separator: "  ")
    }
}

extension CapabilityConstraints {
    fileprivate var members: JSONValue {
        var result: [JSONMember] = []
        if let actionHash { result.append(JSONMember("action_hash", .string(actionHash))) }
        if let tools { result.append(JSONMember("tools", .strings(tools.sorted(by: utf8Precedes)))) }
        if let argumentPrefixes { result.append(JSONMember("argument_prefixes", .array(argumentPrefixes.map { .strings($0) }))) }
        for key in unknown.sorted(by: utf8Precedes) { result.append(JSONMember(key, .string("unknown"))) }
        return .object(result)
    }
}
