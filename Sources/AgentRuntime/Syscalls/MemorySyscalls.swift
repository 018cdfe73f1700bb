internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    static let memory: [String: SyscallEntry] = [
        "memory.create_namespace": SyscallEntry(
            ["namespace"],
            needs: { _, arguments throws(LibOSError) in
                let name = try ObjectNames.namespace(try arguments.requiredText("namespace"))
                guard let parent = ObjectNames.parent(of: name) else { return [] }
                return [NeededRight(resource: try .namespace(parent), rights: [.write])]
            },
            body: { scope, arguments throws(LibOSError) in
                let namespace = try scope.runtime.memory.createNamespace(
                    try arguments.requiredText("namespace"), by: scope.origin, in: scope.transaction)
                return .done(.object(["namespace": .string(namespace.name), "parent": .optional(namespace.parent)]))
            }),
        "memory.list_namespace": SyscallEntry(
            ["namespace"],
            needs: { scope, arguments throws(LibOSError) in [try namespaceNeed(scope, arguments, .read)] },
            body: { scope, arguments throws(LibOSError) in
                let listing = try scope.runtime.memory.list(try arguments.text("namespace"), by: scope.origin, in: scope.transaction)
                return .done(
                    .object([
                        "namespace": .string(listing.namespace), "objects": .array(listing.objects.map(summary)),
                        "children": .strings(listing.children),
                    ]))
            }),
        "memory.create_object": SyscallEntry(
            ["type", "payload", "namespace", "name", "title", "summary", "tags", "mime_type", "immutable"],
            needs: { scope, arguments throws(LibOSError) in [try namespaceNeed(scope, arguments, .write)] },
            body: { scope, arguments throws(LibOSError) in
                guard SyscallArguments.isGiven("payload", in: scope.syscall) else { throw arguments.missing("payload") }
                let draft = ObjectDraft(
                    type: try arguments.word("type", ObjectType.self) ?? .artifact, payload: arguments.value("payload") ?? .null,
                    namespace: try arguments.text("namespace"), name: try arguments.text("name"),
                    metadata: ObjectMetadata(
                        title: try arguments.text("title", longest: 1024), summary: try arguments.text("summary"),
                        tags: try arguments.texts("tags", atMost: 64, longest: 128) ?? [],
                        mimeType: try arguments.text("mime_type", longest: 256)),
                    provenance: Provenance(createdFromAction: scope.origin.tool), isImmutable: try arguments.flag("immutable") ?? true)
                let created = try scope.runtime.memory.create(draft, by: scope.origin, in: scope.transaction)
                try scope.show(created.handle)
                return .done(summary(created.object))
            }),
        "memory.read_object": SyscallEntry(
            ["oid", "name", "namespace", "max_chars"],
            needs: { scope, arguments throws(LibOSError) in try objectNeeds(scope, arguments, [.read]) },
            body: { scope, arguments throws(LibOSError) in
                let object = try opened(scope, arguments, [.read])
                let limit = try arguments.number("max_chars", in: 1...200_000) ?? 12_000
                return .done(shown(object, atMost: Int(limit)))
            }),
        "memory.append_object": SyscallEntry(
            ["oid", "name", "namespace", "item"],
            needs: { scope, arguments throws(LibOSError) in try objectNeeds(scope, arguments, [.read, .write]) },
            body: { scope, arguments throws(LibOSError) in
                guard SyscallArguments.isGiven("item", in: scope.syscall) else { throw arguments.missing("item") }
                let handle = try handle(scope, arguments, [.read, .write])
                let object = try scope.runtime.memory.opened(handle, for: .read, by: scope.origin, in: scope.transaction)
                try refuseAccount(object)
                let payload = try appended(arguments.value("item") ?? .null, to: object)
                let changed = try scope.runtime.memory.update(
                    handle, with: ObjectPatch(payload: payload), by: scope.origin, in: scope.transaction)
                return .done(summary(changed))
            }),
    ]

    private static func namespaceNeed(
        _ scope: SyscallScope, _ arguments: SyscallArguments, _ right: CapabilityRight
    ) throws(LibOSError) -> NeededRight {
        let name = try arguments.text("namespace").map(ObjectNames.existingNamespace)
        return NeededRight(
            resource: try .namespace(name ?? AgentProcess.namespace(of: scope.origin.process)), rights: [right])
    }

    /// For a name: the namespace first, and the object only for who may look into that.
    private static func objectNeeds(
        _ scope: SyscallScope, _ arguments: SyscallArguments, _ rights: Set<ObjectRight>
    ) throws(LibOSError) -> [NeededRight] {
        if let id = try arguments.id("oid", ObjectKind.self) {
            return [NeededRight(resource: .object(id), rights: rights.asCapabilityRights)]
        }
        let need = try namespaceNeed(scope, arguments, .read)
        let name = try arguments.requiredText("name")
        let namespace = try arguments.text("namespace").map(ObjectNames.existingNamespace)
        guard
            case .allowed = try scope.runtime.authority.standing(need.rights, on: need.resource, for: scope.origin, in: scope.transaction),
            let object = try scope.transaction.object(
                named: name, in: namespace ?? AgentProcess.namespace(of: scope.origin.process))
        else { return [need] }
        return [need, NeededRight(resource: .object(object.id), rights: rights.asCapabilityRights)]
    }

    private static func handle(
        _ scope: SyscallScope, _ arguments: SyscallArguments, _ rights: Set<ObjectRight>
    ) throws(LibOSError) -> ObjectHandle {
        if let id = try arguments.id("oid", ObjectKind.self) {
            if arguments.has("name") || arguments.has("namespace") {
                throw LibOSError(.validation, "\(arguments.syscall) was given an oid and a name", mend: "send one of them")
            }
            return try scope.runtime.memory.handle(to: id, rights: rights, for: scope.origin, in: scope.transaction)
        }
        return try scope.runtime.memory.handle(
            named: try arguments.requiredText("name"), in: try arguments.text("namespace"), rights: rights, for: scope.origin,
            in: scope.transaction)
    }

    private static func opened(
        _ scope: SyscallScope, _ arguments: SyscallArguments, _ rights: Set<ObjectRight>
    ) throws(LibOSError) -> AgentObject {
        if arguments.has("oid") {
            return try scope.runtime.memory.get(try handle(scope, arguments, rights), by: scope.origin, in: scope.transaction)
        }
        return try scope.runtime.memory.get(
            named: try arguments.requiredText("name"), in: try arguments.text("namespace"), by: scope.origin, in: scope.transaction)
    }

    /// A model takes its process's account for the runtime's own word, so tools add nothing to it, whosever they are.
    private static func refuseAccount(_ object: AgentObject) throws(LibOSError) {
        guard object.name.utf8.starts(with: ObjectNames.accountPrefix.utf8) else { return }
        throw .denied(
            Denial(
                layer: .capability, rule: "accounts are the runtime's",
                reason: "\(object.id) is the account that the runtime keeps of a process, and nobody else adds to it",
                suggestion: "create an object of your own: it is told of in the account"))
    }

    private static func appended(_ item: JSONValue, to object: AgentObject) throws(LibOSError) -> JSONValue {
        switch (object.payload, item) {
        case (.array(let items), _): return .array(items + [item])
        case (.string(let text), .string(let more)): return .string(text + more)
        case (.object(let members), .object(let more)):
            let keys = Set(more.map(\.key))
            return .object(members.filter { !keys.contains($0.key) } + more)
        default:
            throw LibOSError(
                .validation, "nothing of this kind can be appended to \(object.id)",
                mend: "append items to a list, text to text, or members to an object")
        }
    }

    private static func summary(_ object: AgentObject) -> JSONValue {
        .object([
            "oid": .string(object.id.text), "namespace": .string(object.namespace), "name": .string(object.name),
            "type": .string(object.type.rawValue), "version": .int(object.version), "title": .optional(object.metadata.title),
            "immutable": .bool(object.isImmutable), "token_estimate": .int(object.metadata.tokenEstimate),
        ])
    }

    /// The payload whole, or the beginning of its text when it is longer than what was asked for.
    private static func shown(_ object: AgentObject, atMost limit: Int) -> JSONValue {
        let text: String = if case .string(let plain) = object.payload { plain } else { object.payload.canonicalText }
        let isCut = text.count > limit
        guard case .object(let members) = summary(object) else { return .null }
        return .object(
            members + [
                JSONMember("summary", .optional(object.metadata.summary)),
                JSONMember("payload", isCut ? .string(String(text.prefix(limit))) : object.payload),
                JSONMember("truncated", .bool(isCut)),
            ])
    }
}

extension SyscallScope {
    /// Puts a new object before the process's eyes: it is part of its context from now on.
    func show(_ handle: ObjectHandle) throws(LibOSError) {
        var process = try transaction.existingProcess(origin.process)
        process.see(handle)
        try transaction.update(process)
    }
}
