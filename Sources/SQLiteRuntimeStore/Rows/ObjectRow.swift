internal import LibOSModel
internal import StrictJSON

extension AgentObject: StoredRecord {
    static let table = StoredTable(
        "object",
        [
            "id", "namespace", "name", "type", "payload", "title", "summary", "tags", "mime_type", "token_estimate", "sensitivity",
            "retention_policy", "source_refs", "created_from_action", "parents", "version", "is_immutable", "created_by", "created_at",
            "updated_at",
        ], standing: ["namespace", "name", "type", "is_immutable", "created_by", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        try bind(into: &values) { (values) throws(LibOSError) in try values.bind(json: payload) }
    }

    func bind(
        into values: inout ParameterBinder, payload bindPayload: (inout ParameterBinder) throws(LibOSError) -> Void
    ) throws(LibOSError) {
        values.bind(id)
        values.bind(namespace)
        values.bind(name)
        values.bind(type.rawValue)
        try bindPayload(&values)
        values.bind(metadata.title)
        values.bind(metadata.summary)
        try values.bind(json: .strings(metadata.tags))
        values.bind(metadata.mimeType)
        values.bind(metadata.tokenEstimate)
        values.bind(metadata.sensitivity)
        values.bind(metadata.retentionPolicy)
        try values.bind(json: .strings(provenance.sourceRefs))
        values.bind(provenance.createdFromAction)
        try values.bind(json: JSONShape.of(provenance.parents))
        values.bind(version)
        values.bind(isImmutable)
        values.bind(createdBy)
        values.bind(createdAt)
        values.bind(updatedAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), namespace: try row.text(), name: try row.text(), type: try row.word(), payload: try row.json(),
            metadata: ObjectMetadata(
                title: try row.optionalText(), summary: try row.optionalText(), tags: try row.json(JSONShape.texts),
                mimeType: try row.optionalText(), tokenEstimate: try row.integer(), sensitivity: try row.text(),
                retentionPolicy: try row.text()),
            provenance: Provenance(
                sourceRefs: try row.json(JSONShape.texts), createdFromAction: try row.optionalText(), parents: try row.json(JSONShape.ids)),
            version: try row.integer(), isImmutable: try row.flag(), createdBy: try row.text(), createdAt: try row.instant(),
            updatedAt: try row.instant())
    }
}

extension ObjectHead {
    static let table = StoredTable("object", ["id", "type", "token_estimate", "version", "updated_at"])

    init(from row: inout RowReader) throws(LibOSError) {
        let (id, type, estimate): (ObjectID, ObjectType, Int64) = (try row.id(), try row.word(), try row.integer())
        self.init(id: id, type: type, version: try row.integer(), tokenEstimate: estimate, updatedAt: try row.instant())
    }
}

extension ObjectLink: StoredRecord {
    static let table = StoredTable(
        "object_link", ["id", "source", "relation", "destination", "metadata", "created_by", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(source)
        values.bind(relation.rawValue)
        values.bind(destination)
        try values.bind(json: metadata)
        values.bind(createdBy)
        values.bind(createdAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), source: try row.id(), relation: try row.word(), destination: try row.id(), metadata: try row.json(),
            createdBy: try row.id(), createdAt: try row.instant())
    }
}

extension ObjectNamespace: StoredRecord {
    static let table = StoredTable("object_namespace", ["name", "parent", "created_by", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(name)
        values.bind(parent)
        values.bind(createdBy)
        values.bind(createdAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            name: try row.text(), parent: try row.optionalText(), createdBy: try row.text(), createdAt: try row.instant())
    }
}
