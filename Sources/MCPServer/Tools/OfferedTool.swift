package import StrictJSON

/// A tool as clients see it.
package struct OfferedTool: Sendable, Equatable {
    package struct Annotations: Sendable, Equatable {
        package var isReadOnly: Bool
        package var isDestructive: Bool
        package var isIdempotent: Bool
        package var isOpenWorld: Bool

        package init(isReadOnly: Bool, isDestructive: Bool, isIdempotent: Bool, isOpenWorld: Bool) {
            self.isReadOnly = isReadOnly
            self.isDestructive = isDestructive
            self.isIdempotent = isIdempotent
            self.isOpenWorld = isOpenWorld
        }
    }

    package var name: String
    package var title: String
    package var description: String
    package var inputSchema: JSONValue
    package var outputSchema: JSONValue
    package var annotations: Annotations

    package init(
        name: String, title: String, description: String, inputSchema: JSONValue, outputSchema: JSONValue, annotations: Annotations
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.annotations = annotations
    }

    /// With what that revision knows, and nothing else.
    func definition(for revision: ProtocolRevision) -> JSONValue {
        var members = [
            JSONMember("name", .string(name)), JSONMember("description", .string(description)), JSONMember("inputSchema", inputSchema),
        ]
        if revision.hasAnnotations {
            members.append(
                JSONMember(
                    "annotations",
                    .object([
                        "title": .string(title), "readOnlyHint": .bool(annotations.isReadOnly),
                        "destructiveHint": .bool(annotations.isDestructive), "idempotentHint": .bool(annotations.isIdempotent),
                        "openWorldHint": .bool(annotations.isOpenWorld),
                    ])))
        }
        if revision.hasStructuredContent {
            members += [JSONMember("title", .string(title)), JSONMember("outputSchema", outputSchema)]
        }
        return .object(members)
    }
}
