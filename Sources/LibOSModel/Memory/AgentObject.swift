package import StrictJSON

/// One typed cell of memory. Its payload is stored with it.
package struct AgentObject: Sendable, Hashable {
    package var id: ObjectID
    package var namespace: String
    /// Unique in its namespace. A name is never authority.
    package var name: String
    package var type: ObjectType
    package var payload: JSONValue
    package var metadata: ObjectMetadata
    package var provenance: Provenance
    /// From 1, raised by every update.
    package var version: Int64
    package var isImmutable: Bool
    /// A process, or `process_result:<pid>` when it outlives its maker as a result.
    package var createdBy: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: ObjectID = .new(), namespace: String, name: String? = nil, type: ObjectType, payload: JSONValue,
        metadata: ObjectMetadata = ObjectMetadata(), provenance: Provenance = Provenance(), version: Int64 = 1, isImmutable: Bool = true,
        createdBy: String, createdAt: Timestamp, updatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.namespace = namespace
        self.name = name ?? "\(type.rawValue):\(id)"
        self.type = type
        self.payload = payload
        self.metadata = metadata
        self.provenance = provenance
        self.version = version
        self.isImmutable = isImmutable
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
    }

    package var qualifiedName: String { "\(namespace)/\(name)" }
}

/// What choosing among objects needs to know of each.
package struct ObjectHead: Sendable, Hashable {
    package var id: ObjectID
    package var type: ObjectType
    package var version: Int64
    package var tokenEstimate: Int64
    package var updatedAt: Timestamp

    package init(id: ObjectID, type: ObjectType, version: Int64, tokenEstimate: Int64, updatedAt: Timestamp) {
        self.id = id
        self.type = type
        self.version = version
        self.tokenEstimate = tokenEstimate
        self.updatedAt = updatedAt
    }
}

package struct ObjectMetadata: Sendable, Hashable {
    package var title: String?
    package var summary: String?
    package var tags: [String]
    package var mimeType: String?
    /// A cheap estimate, never a real tokenizer's count.
    package var tokenEstimate: Int64
    package var sensitivity: String
    package var retentionPolicy: String

    package init(
        title: String? = nil, summary: String? = nil, tags: [String] = [], mimeType: String? = nil, tokenEstimate: Int64 = 0,
        sensitivity: String = "normal", retentionPolicy: String = "default"
    ) {
        self.title = title
        self.summary = summary
        self.tags = tags
        self.mimeType = mimeType
        self.tokenEstimate = tokenEstimate
        self.sensitivity = sensitivity
        self.retentionPolicy = retentionPolicy
    }
}

/// Where an object came from.
package struct Provenance: Sendable, Hashable {
    package var sourceRefs: [String]
    package var createdFromAction: String?
    package var parents: [ObjectID]

    package init(sourceRefs: [String] = [], createdFromAction: String? = nil, parents: [ObjectID] = []) {
        self.sourceRefs = sourceRefs
        self.createdFromAction = createdFromAction
        self.parents = parents
    }
}

/// A reference to an object with rights, good as long as the capability behind it is.
package struct ObjectHandle: Sendable, Hashable {
    package var object: ObjectID
    package var rights: Set<ObjectRight>
    package var capability: CapabilityID
    package var expiresAt: Timestamp?

    package init(object: ObjectID, rights: Set<ObjectRight>, capability: CapabilityID, expiresAt: Timestamp? = nil) {
        self.object = object
        self.rights = rights
        self.capability = capability
        self.expiresAt = expiresAt
    }
}

package struct ObjectLink: Sendable, Hashable {
    package var id: LinkID
    package var source: ObjectID
    package var relation: RelationType
    package var destination: ObjectID
    package var metadata: JSONValue
    package var createdBy: ProcessID
    package var createdAt: Timestamp

    package init(
        id: LinkID = .new(), source: ObjectID, relation: RelationType, destination: ObjectID, metadata: JSONValue = .object([]),
        createdBy: ProcessID, createdAt: Timestamp
    ) {
        self.id = id
        self.source = source
        self.relation = relation
        self.destination = destination
        self.metadata = metadata
        self.createdBy = createdBy
        self.createdAt = createdAt
    }
}

package struct ObjectNamespace: Sendable, Hashable {
    /// `process:<pid>`, or a path like `project/research`.
    package var name: String
    package var parent: String?
    /// A process, or `runtime`.
    package var createdBy: String
    package var createdAt: Timestamp

    package init(name: String, parent: String?, createdBy: String, createdAt: Timestamp) {
        self.name = name
        self.parent = parent
        self.createdBy = createdBy
        self.createdAt = createdAt
    }
}

/// What a process has in sight: the handles that its context is made of.
package struct MemoryView: Sendable, Hashable {
    package var id: ViewID
    package var owner: ProcessID
    package var roots: [ObjectHandle]
    package var mode: ViewMode
    /// View that this one was forked from.
    package var createdFrom: ViewID?

    package init(id: ViewID = .new(), owner: ProcessID, roots: [ObjectHandle] = [], mode: ViewMode = .readOnly, createdFrom: ViewID? = nil)
    {
        self.id = id
        self.owner = owner
        self.roots = roots
        self.mode = mode
        self.createdFrom = createdFrom
    }
}

/// Which objects a query finds. Empty fields match everything; given ones must all match.
package struct ObjectQuery: Sendable, Hashable {
    package var type: ObjectType?
    package var tags: [String]
    /// Part of the title, the summary or the name, case as given.
    package var text: String?
    package var name: String?
    package var namespace: String?
    package var limit: Int

    package static let standardLimit = 50

    package init(
        type: ObjectType? = nil, tags: [String] = [], text: String? = nil, name: String? = nil, namespace: String? = nil,
        limit: Int = standardLimit
    ) {
        self.type = type
        self.tags = tags
        self.text = text
        self.name = name
        self.namespace = namespace
        self.limit = limit
    }
}
