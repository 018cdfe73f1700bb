internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension Resource {
    static func object(_ id: ObjectID) -> Resource { Resource(kind: .object, parts: [id.text], extent: .exact) }

    static func clock(_ word: String) -> Resource { Resource(kind: .clock, parts: [word], extent: .exact) }

    static var spawn: Resource { Resource(kind: .process, parts: ["spawn"], extent: .exact) }

    static func namespace(_ name: String) throws(LibOSError) -> Resource { try action("object_namespace:" + name) }

    static func human(_ name: String) throws(LibOSError) -> Resource {
        guard isIdentifier(name) else {
            throw LibOSError(.validation, "`\(printable(name))` is no person's name", mend: "write letters, digits, `_`, `-` and `.`")
        }
        return try action("human:" + name)
    }

    /// A resource or pattern as somebody wrote it.
    static func reading(_ text: String) throws(LibOSError) -> Resource {
        do {
            return try parse(text)
        } catch {
            throw LibOSError(.validation, error.message, mend: error.mend)
        }
    }

    /// The one resource that an action touches.
    private static func action(_ text: String) throws(LibOSError) -> Resource {
        do {
            return try parseAction(text)
        } catch {
            throw LibOSError(.validation, error.message, mend: error.mend)
        }
    }
}

extension ObjectRight {
    var asCapabilityRight: CapabilityRight {
        switch self {
        case .read: .read
        case .write: .write
        case .link: .link
        case .diff: .diff
        case .materialize: .materialize
        case .delete: .delete
        case .grant: .grant
        }
    }
}

extension Set<ObjectRight> {
    var asCapabilityRights: Set<CapabilityRight> { Set<CapabilityRight>(map(\.asCapabilityRight)) }
}
