internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

/// What an object is made from.
package struct ObjectDraft: Sendable {
    package var type: ObjectType
    package var payload: JSONValue
    /// nil: the process's own namespace.
    package var namespace: String?
    /// nil: `<type>:<oid>`.
    package var name: String?
    package var metadata: ObjectMetadata
    package var provenance: Provenance
    package var isImmutable: Bool

    package init(
        type: ObjectType, payload: JSONValue, namespace: String? = nil, name: String? = nil, metadata: ObjectMetadata = ObjectMetadata(),
        provenance: Provenance = Provenance(), isImmutable: Bool = true
    ) {
        self.type = type
        self.payload = payload
        self.namespace = namespace
        self.name = name
        self.metadata = metadata
        self.provenance = provenance
        self.isImmutable = isImmutable
    }
}

/// What an update changes; nil fields stay as they are. A payload of `null` is a payload.
package struct ObjectPatch: Sendable {
    package var payload: JSONValue?
    /// Bytes of the payload's canonical text, where whoever made it has counted them already.
    package var payloadBytes: Int?
    package var metadata: ObjectMetadata?
    package var provenance: Provenance?
    package var name: String?
    package var namespace: String?

    package init(
        payload: JSONValue? = nil, payloadBytes: Int? = nil, metadata: ObjectMetadata? = nil, provenance: Provenance? = nil,
        name: String? = nil,
        namespace: String? = nil
    ) {
        self.payload = payload
        self.payloadBytes = payloadBytes
        self.metadata = metadata
        self.provenance = provenance
        self.name = name
        self.namespace = namespace
    }
}

/// An object together with the handle that its maker holds.
package struct CreatedObject: Sendable {
    package var object: AgentObject
    package var handle: ObjectHandle
}

extension ObjectMemory {
    /// Makes an object of a process that has not ended. The maker gets every right on it but `write` on an immutable one. Needs write on the namespace; throws
    /// `validation` when the name is taken or the payload too large.
    package func create(
        _ draft: ObjectDraft, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CreatedObject {
        let owner = origin.process
        try transaction.existingProcess(owner).requireAlive(to: "own an object")
        let namespace = try draft.namespace.map(ObjectNames.existingNamespace) ?? AgentProcess.namespace(of: owner)
        try authority.require([.write], on: try .namespace(namespace), for: origin, in: transaction)
        guard try transaction.namespace(namespace) != nil else { throw .notFound("namespace \(namespace)") }
        if let name = draft.name { try ObjectNames.checkObjectName(name) }
        var object = AgentObject(
            namespace: namespace, name: draft.name, type: draft.type, payload: draft.payload, metadata: draft.metadata,
            provenance: draft.provenance, isImmutable: draft.isImmutable, createdBy: owner.text, createdAt: transaction.now)
        object.metadata.tokenEstimate = try checkedEstimate(of: draft.payload)
        try transaction.insert(object)
        let rights = Set(ObjectRight.allCases).subtracting(draft.isImmutable ? [.write] : [])
        let capability = try authority.grant(
            rights.asCapabilityRights, on: .object(object.id), to: owner, by: "memory.create_object", isDelegable: true,
            in: transaction)
        try transaction.emit(
            .objectCreated, from: owner.text, to: owner.text,
            .object([
                "oid": .string(object.id.text), "namespace": .string(namespace), "name": .string(object.name),
                "qualified_name": .string(object.qualifiedName), "type": .string(object.type.rawValue),
            ]))
        try transaction.audit(
            "memory.create_object", by: owner.text, target: object.id.resourceText, outputs: [object.id], capabilities: [capability.id],
            .object([
                "namespace": .string(namespace), "name": .string(object.name), "type": .string(object.type.rawValue),
                "immutable": .bool(object.isImmutable),
            ]))
        return CreatedObject(object: object, handle: ObjectHandle(object: object.id, rights: rights, capability: capability.id))
    }

    /// Changes an object. Needs a handle with write, and for a new name or namespace write on both namespaces. Throws `denied`
    /// for immutable objects.
    /// - Parameter known: the object, when the caller has read it in this transaction.
    package func update(
        _ handle: ObjectHandle, of known: AgentObject? = nil, with patch: ObjectPatch, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentObject {
        var object = try opened(handle, known, for: .write, by: origin, in: transaction)
        if object.isImmutable {
            throw .denied(
                Denial(
                    layer: .capability, rule: "\(object.id) is immutable", reason: "the object \(object.id) cannot be changed",
                    suggestion: "create a new object and link it with `supersedes`"))
        }
        if patch.name != nil || patch.namespace != nil { try move(&object, patch, by: origin, in: transaction) }
        if let payload = patch.payload {
            object.payload = payload
            object.metadata.tokenEstimate = try checkedEstimate(of: payload, bytes: patch.payloadBytes)
        }
        if var metadata = patch.metadata {
            metadata.tokenEstimate = object.metadata.tokenEstimate
            object.metadata = metadata
        }
        if let provenance = patch.provenance { object.provenance = provenance }
        object.version += 1
        object.updatedAt = transaction.now
        try transaction.update(object)
        let facts: JSONValue = .object([
            "oid": .string(object.id.text), "namespace": .string(object.namespace), "name": .string(object.name),
            "version": .int(object.version),
        ])
        try transaction.emit(.objectUpdated, from: origin.process.text, to: origin.process.text, facts)
        try transaction.audit(
            "memory.update_object", by: origin.process.text, target: object.id.resourceText, inputs: [object.id], outputs: [object.id],
            capabilities: [handle.capability], facts)
        return object
    }

    private func move(
        _ object: inout AgentObject, _ patch: ObjectPatch, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let namespace = try patch.namespace.map(ObjectNames.existingNamespace) ?? object.namespace
        let name = patch.name ?? object.name
        try ObjectNames.checkObjectName(name)
        for touched in Set([object.namespace, namespace]).sorted(by: utf8Precedes) {
            try authority.require([.write], on: try .namespace(touched), for: origin, in: transaction)
        }
        guard try transaction.namespace(namespace) != nil else { throw .notFound("namespace \(namespace)") }
        if let holder = try transaction.object(named: name, in: namespace), holder.id != object.id {
            throw LibOSError(.validation, "the name \(name) is taken in \(namespace)", mend: "choose another one")
        }
        object.namespace = namespace
        object.name = name
    }

    private func checkedEstimate(of payload: JSONValue, bytes: Int? = nil) throws(LibOSError) -> Int64 {
        let estimate = bytes.map(TokenEstimate.of(bytes:)) ?? TokenEstimate.of(payload)
        if estimate > Int64(Self.largestPayload) / 4 {
            throw LibOSError(.validation, "the payload is larger than \(Self.largestPayload) bytes", mend: "split it, or write a file")
        }
        return estimate
    }
}
