internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension CapabilityRecord: StoredRecord {
    static let table = StoredTable(
        "capability",
        [
            "id", "subject", "resource", "extent", "rights", "effect", "constraints", "issued_by", "issued_at", "expires_at",
            "is_delegable", "is_revocable", "status", "parent", "delegation_depth", "max_delegation_depth", "uses_remaining",
            "reservations",
        ])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(subject)
        try resource.checkText()
        values.bind(resource.description)
        values.bind(resource.extent.word)
        try values.bind(json: JSONShape.of(rights))
        values.bind(effect.rawValue)
        try values.bind(json: constraints.json)
        values.bind(issuedBy)
        values.bind(issuedAt)
        values.bind(expiresAt)
        values.bind(isDelegable)
        values.bind(isRevocable)
        values.bind(status.rawValue)
        values.bind(parent)
        values.bind(delegationDepth)
        values.bind(maxDelegationDepth)
        values.bind(usesRemaining)
        try values.bind(json: JSONShape.of(reservations))
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), subject: try row.id(), resource: try Resource(from: &row), rights: try row.json(JSONShape.words),
            effect: try row.word(), constraints: try row.json(CapabilityConstraints.init(json:)), issuedBy: try row.text(),
            issuedAt: try row.instant(), expiresAt: try row.optionalInstant(), isDelegable: try row.flag(), isRevocable: try row.flag(),
            status: try row.word(), parent: try row.optionalID(), delegationDepth: try row.integer(),
            maxDelegationDepth: try row.optionalInteger(), usesRemaining: try row.optionalInteger(),
            reservations: Set(try row.json(JSONShape.ids)))
    }
}

extension CapabilityConstraints {
    fileprivate var json: JSONValue {
        JSONShape.object([
            "action_hash": actionHash.map { .string($0) }, "tools": tools.map { .strings($0.sorted(by: utf8Precedes)) },
            "argument_prefixes": argumentPrefixes.map { .array($0.map { .strings($0) }) },
            "unknown": unknown.isEmpty ? nil : .strings(unknown.sorted(by: utf8Precedes)),
        ])
    }

    /// A key that is not known here is kept as unknown: it makes every decision of the record fail.
    fileprivate init(json: JSONValue) throws(JSONShapeError) {
        guard case .object(let members) = json else { throw JSONShapeError(message: "is not an object") }
        self.init()
        for member in members {
            switch member.key {
            case "action_hash": actionHash = try JSONShape.text(member.value)
            case "tools": tools = Set(try JSONShape.texts(member.value))
            case "argument_prefixes":
                argumentPrefixes = try JSONShape.list(member.value) { (item) throws(JSONShapeError) in try JSONShape.texts(item) }
            case "unknown": unknown.formUnion(try JSONShape.texts(member.value))
            default: unknown.insert(member.key)
            }
        }
    }
}

/// A resource is its text, as people write it, and its extent: a file and everything below it have the same text.
extension Resource {
    init(text: String, extent: Extent) throws(ResourceProblem) {
        self = try Resource.parse(text)
        self.extent = extent
    }

    fileprivate init(from row: inout RowReader) throws(LibOSError) {
        let text = try row.text()
        var resource: Resource
        do { resource = try Resource.parse(text) } catch { throw row.bad("names no resource: \(error.message)") }
        guard let extent = Extent(word: try row.text()) else { throw row.bad("is none of exact, tree, members") }
        resource.extent = extent
        self = resource
    }

    /// Throws `validation` for a resource that would read back as another one.
    func checkText() throws(LibOSError) {
        guard let readBack = try? Resource(text: description, extent: extent), readBack == self else {
            throw LibOSError(.validation, "the resource `\(printable(description))` cannot be written down", mend: "name it as policies do")
        }
    }
}

extension Resource.Extent {
    var word: String {
        switch self {
        case .exact: "exact"
        case .tree: "tree"
        case .members: "members"
        }
    }

    init?(word: String) {
        switch word {
        case "exact": self = .exact
        case "tree": self = .tree
        case "members": self = .members
        default: return nil
        }
    }
}
