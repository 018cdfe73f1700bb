internal import AgentRuntime
internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

/// What is new since the account was last told: each kind of fact is compared with what it said about it.
struct ContextDifference {
    private(set) var log: ContextLog
    private(set) var hasChanges = false

    init(log: ContextLog) { self.log = log }

    /// Tells of a fact when it is another one than last time.
    private mutating func tell(_ kind: String, _ fact: JSONValue, as key: String) {
        // In one order of keys: a store gives objects back in its own.
        let fact = fact.sorted
        guard log.captured[key]?.sorted != fact else { return }
        log.captured[key] = fact
        log.append(kind, fact)
        hasChanges = true
    }

    mutating func addProcess(_ process: AgentProcess) {
        tell(
            "process_snapshot",
            .object([
                "status": .string(process.status.rawValue), "status_message": .optional(process.statusMessage), "checkpoint_head": .null,
                "image_id": .string(process.image), "working_directory": .string(process.workingDirectory),
            ]), as: "process")
    }

    mutating func addCapabilities(of id: ProcessID, in store: any StoreReading) throws(LibOSError) {
        let now = store.now
        // Handles on single objects come and go with every result; the object entries tell of them.
        let records = try store.capabilities(of: id, except: .object).filter { $0.isActive(at: now) }
        let facts = records.map { record -> JSONValue in
            .object([
                "resource": .string(record.resource.description),
                "rights": .strings(CapabilityRight.inOrder(record.rights).map(\.rawValue)),
                "permission_policy": .string(Self.policy(of: record).rawValue), "expires_at": .optional(record.expiresAt?.description),
            ])
        }
        tell(
            "capabilities_snapshot", .array(facts.sorted { utf8Precedes($0.canonicalText, $1.canonicalText) }), as: "capabilities")
    }

    private static func policy(of record: CapabilityRecord) -> PermissionPolicy {
        switch record.effect {
        case .deny: .alwaysDeny
        case .ask: .askEachTime
        case .allow: record.usesRemaining == nil ? .alwaysAllow : .allowOnce
        }
    }

    mutating func addTools(_ tools: [ToolSpec]) {
        let facts = tools.sorted { utf8Precedes($0.name, $1.name) }.map { tool -> JSONValue in
            .object(["name": .string(tool.name), "description": .string(tool.description), "tags": .strings(tool.tags)])
        }
        tell("tool_table_snapshot", .array(facts), as: "tools")
    }

    /// Events since the last one that was told. When there are more than fit, the newest are told and the others counted.
    mutating func addEvents(for id: ProcessID, limit: Int, in store: any StoreReading) throws(LibOSError) {
        var last: EventID?
        if case .string(let text)? = log.captured["last_event"] { last = EventID(text) }
        let events: [RuntimeEvent]
        do throws(LibOSError) {
            events = try store.events(for: id.text, after: last, limit: Self.mostEvents)
        } catch {
            // The process may write its own account: a place in it that does not exist is no reason to stop.
            guard error.code == .notFound else { throw error }
            events = try store.recentEvents(for: id.text, limit: limit)
        }
        guard let newest = events.last else { return }
        log.captured["last_event"] = .string(newest.id.text)
        // What the runtime writes when it tells of its own account says nothing to a model.
        let telling = events.filter { !Self.isOwn($0) }
        guard !telling.isEmpty else {
            hasChanges = true
            return
        }
        let shown = telling.suffix(limit)
        var content: [JSONMember] = [
            JSONMember(
                "events",
                .array(
                    shown.map { event in
                        .object([
                            "event_id": .string(event.id.text), "type": .string(event.type.rawValue), "source": .string(event.source),
                            "target": .optional(event.target), "payload": event.payload,
                        ])
                    }))
        ]
        let left = telling.count - shown.count
        if left > 0 { content.append(JSONMember("older_events_left_out", .int(Int64(left)))) }
        log.append("events_delta", .object(content))
        hasChanges = true
    }

    private static let mostEvents = 500

    private static func isOwn(_ event: RuntimeEvent) -> Bool {
        guard event.type == .objectCreated || event.type == .objectUpdated, case .string(let name)? = event.payload["name"] else {
            return false
        }
        return name.hasPrefix(ObjectNames.accountPrefix)
    }

    /// Objects that are new in sight or were changed since they were told.
    mutating func addMemory(_ material: MaterializedContext, in store: any StoreReading) throws(LibOSError) {
        var objects: [JSONValue] = []
        var ids: [String] = []
        for head in material.heads {
            let id = head.id
            let key = "object:\(id)"
            guard log.captured[key] != .int(head.version), let object = try store.object(id) else { continue }
            log.captured[key] = .int(object.version)
            ids.append(id.text)
            objects.append(
                .object([
                    "oid": .string(id.text), "name": .string(object.name), "type": .string(object.type.rawValue),
                    "version": .int(object.version), "title": .optional(object.metadata.title),
                    "summary": .optional(object.metadata.summary),
                    "payload": object.payload,
                ]))
        }
        if objects.isEmpty { return }
        log.append(
            "memory_delta",
            .object([
                "policy": .string(material.policy.rawValue), "token_count": .int(material.tokenCount),
                "omitted": .strings(material.omitted.map(\.object.text)), "objects": .array(objects),
            ]), objects: ids)
        hasChanges = true
    }

    mutating func addOmissions(_ omitted: [OmittedObject]) {
        let facts = omitted.map { JSONValue.object(["oid": .string($0.object.text), "reason": .string($0.reason.rawValue)]) }
        if facts.isEmpty, log.captured["omitted"] == nil { return }
        tell("context_omissions", .array(facts), as: "omitted")
    }
}
