internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// Reading, finding and linking objects. Authority comes before existence everywhere: who may not know gets the same answer for
/// what is there and for what is not.
extension ObjectMemory {
    /// Needs a handle with read.
    package func get(
        _ handle: ObjectHandle, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentObject {
        let object = try opened(handle, for: .read, by: origin, in: transaction)
        try transaction.audit(
            "memory.get_object", by: origin.process.text, target: object.id.resourceText, inputs: [object.id],
            capabilities: [handle.capability])
        return object
    }

    /// Needs read on the namespace and read on the object.
    package func get(
        named name: String, in namespace: String?, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentObject {
        let object = try found(name, in: namespace, by: origin, in: transaction)
        let capability = try authority.require([.read], on: .object(object.id), for: origin, in: transaction)
        try transaction.audit(
            "memory.get_object_by_name", by: origin.process.text, target: object.id.resourceText, inputs: [object.id],
            capabilities: capability, .object(["namespace": .string(object.namespace), "name": .string(name)]))
        return object
    }

    /// A handle with exactly these rights, all of which the process must hold already by one record. Nothing is issued: the
    /// handle rests on that record, and ends, expires and is used up with it.
    package func handle(
        to id: ObjectID, rights: Set<ObjectRight>, for origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> ObjectHandle {
        let record = try authority.record(granting: rights.asCapabilityRights, on: .object(id), to: origin, in: store)
        return ObjectHandle(object: id, rights: rights, capability: record.id, expiresAt: record.expiresAt)
    }

    /// As `handle(to:)`, for a name. Needs read on the namespace too.
    package func handle(
        named name: String, in namespace: String?, rights: Set<ObjectRight>, for origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle {
        let object = try found(name, in: namespace, by: origin, in: transaction)
        let handle = try handle(to: object.id, rights: rights, for: origin, in: transaction)
        try transaction.audit(
            "memory.handle_for_name", by: origin.process.text, target: object.id.resourceText, outputs: [object.id],
            capabilities: [handle.capability],
            .object(["name": .string(name), "rights": .strings(rights.sorted().map(\.rawValue))]))
        return handle
    }

    /// Needs link on the source and read on the destination.
    package func link(
        _ source: ObjectHandle, _ relation: RelationType, _ destination: ObjectHandle, metadata: JSONValue = .object([]),
        by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectLink {
        let from = try opened(source, for: .link, by: origin, in: transaction)
        let to = try opened(destination, for: .read, by: origin, in: transaction)
        let link = ObjectLink(
            source: from.id, relation: relation, destination: to.id, metadata: metadata, createdBy: origin.process,
            createdAt: transaction.now)
        try transaction.insert(link)
        let facts: JSONValue = .object([
            "src": .string(from.id.text), "relation": .string(relation.rawValue), "dst": .string(to.id.text),
        ])
        try transaction.emit(.objectLinked, from: origin.process.text, to: origin.process.text, facts)
        try transaction.audit(
            "memory.link_objects", by: origin.process.text, target: from.id.resourceText, inputs: [from.id, to.id],
            capabilities: [source.capability, destination.capability], facts)
        return link
    }

    /// The readable objects that match, each with a handle that can read and nothing else. Needs read on the namespace (the
    /// process's own when the query names none). What may not be read is left out without a word.
    package func query(
        _ query: ObjectQuery, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CreatedObject] {
        guard query.limit > 0 else { throw LibOSError(.validation, "the limit of a query is \(query.limit)", mend: "ask for at least one") }
        var wide = query
        let namespace = try query.namespace.map(ObjectNames.existingNamespace) ?? AgentProcess.namespace(of: origin.process)
        wide.namespace = namespace
        wide.limit = Self.widestSearch
        try authority.require([.read], on: try .namespace(namespace), for: origin, in: transaction)
        var hits: [CreatedObject] = []
        for object in try transaction.objects(wide) where hits.count < query.limit {
            guard try authority.isAllowed([.read], on: .object(object.id), for: origin, in: transaction) else { continue }
            hits.append(CreatedObject(object: object, handle: try handle(to: object.id, rights: [.read], for: origin, in: transaction)))
        }
        try transaction.audit(
            "memory.query_objects", by: origin.process.text, target: "object_namespace:\(namespace)", outputs: hits.map(\.object.id),
            .object([
                "type": .optional(query.type?.rawValue), "tags": .strings(query.tags), "text": .optional(query.text),
                "name": .optional(query.name), "count": .int(Int64(hits.count)),
            ]))
        return hits
    }

    /// Looks a name up for somebody who may read the namespace.
    private func found(
        _ name: String, in namespace: String?, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentObject {
        let namespace = try namespace.map(ObjectNames.existingNamespace) ?? AgentProcess.namespace(of: origin.process)
        try authority.require([.read], on: try .namespace(namespace), for: origin, in: transaction)
        guard let object = try transaction.object(named: name, in: namespace) else { throw .notFound("object \(namespace)/\(name)") }
        return object
    }
}
