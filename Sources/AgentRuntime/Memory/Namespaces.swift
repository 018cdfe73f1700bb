internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// What a process sees of a namespace.
package struct NamespaceListing: Sendable {
    package var namespace: String
    package var objects: [AgentObject]
    package var children: [String]
}

extension ObjectMemory {
    /// Makes a namespace; its maker gets read, write and admin on it. One inside another needs write on that one; at the top
    /// none is needed. Throws `validation` when it exists.
    package func createNamespace(
        _ name: String, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectNamespace {
        try transaction.existingProcess(origin.process).requireAlive(to: "make a namespace")
        let clean = try ObjectNames.namespace(name)
        let parent = ObjectNames.parent(of: clean)
        if let parent {
            try authority.require([.write], on: try .namespace(parent), for: origin, in: transaction)
            guard try transaction.namespace(parent) != nil else { throw .notFound("namespace \(parent)") }
        }
        if try transaction.namespace(clean) != nil {
            throw LibOSError(.validation, "the namespace \(clean) exists", mend: "choose another name")
        }
        let namespace = ObjectNamespace(name: clean, parent: parent, createdBy: origin.process.text, createdAt: transaction.now)
        try transaction.insert(namespace)
        let capability = try authority.grant(
            [.read, .write, .admin], on: try .namespace(clean), to: origin.process, by: "memory.create_namespace",
            isDelegable: true, in: transaction)
        try transaction.audit(
            "memory.create_namespace", by: origin.process.text, target: "object_namespace:\(clean)", capabilities: [capability.id],
            .object(["parent": .optional(parent)]))
        return namespace
    }

    /// Needs read on it.
    package func namespace(
        _ name: String, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectNamespace {
        let clean = try ObjectNames.existingNamespace(name)
        try authority.require([.read], on: try .namespace(clean), for: origin, in: transaction)
        guard let namespace = try transaction.namespace(clean) else { throw .notFound("namespace \(clean)") }
        try transaction.audit("memory.get_namespace", by: origin.process.text, target: "object_namespace:\(clean)")
        return namespace
    }

    /// The objects and child namespaces that the process may read. Needs read on the namespace, which is the process's own when
    /// none is named.
    package func list(
        _ name: String?, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> NamespaceListing {
        let clean = try name.map(ObjectNames.existingNamespace) ?? AgentProcess.namespace(of: origin.process)
        try authority.require([.read], on: try .namespace(clean), for: origin, in: transaction)
        guard try transaction.namespace(clean) != nil else { throw .notFound("namespace \(clean)") }
        var listing = NamespaceListing(namespace: clean, objects: [], children: [])
        for object in try transaction.objects(ObjectQuery(namespace: clean, limit: Self.widestSearch)) {
            if try authority.isAllowed([.read], on: .object(object.id), for: origin, in: transaction) { listing.objects.append(object) }
        }
        for child in try transaction.namespaces(below: clean) {
            if try authority.isAllowed([.read], on: try .namespace(child.name), for: origin, in: transaction) {
                listing.children.append(child.name)
            }
        }
        try transaction.audit(
            "memory.list_namespace", by: origin.process.text, target: "object_namespace:\(clean)", outputs: listing.objects.map(\.id),
            .object(["objects": .int(Int64(listing.objects.count)), "children": .int(Int64(listing.children.count))]))
        return listing
    }

    /// The private namespace of a process, made when it is not there; the process gets read, write and admin on it.
    func ensureProcessNamespace(of id: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) {
        let name = AgentProcess.namespace(of: id)
        if try transaction.namespace(name) != nil { return }
        try transaction.insert(ObjectNamespace(name: name, parent: nil, createdBy: "runtime", createdAt: transaction.now))
        let capability = try authority.grant(
            [.read, .write, .admin], on: try .namespace(name), to: id, by: "memory.ensure_process_namespace", isDelegable: false,
            in: transaction)
        try transaction.audit(
            "memory.ensure_process_namespace", by: "runtime", target: "object_namespace:\(name)", capabilities: [capability.id],
            .object(["pid": .string(id.text)]))
    }
}
