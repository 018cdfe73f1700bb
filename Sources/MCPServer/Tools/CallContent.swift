package import StrictJSON

/// The one shape of what a call came to, for every tool: `structuredContent`, and as text for models.
package struct CallContent: Sendable, Equatable {
    package var isOK = false
    /// Of a command; null when it did not exit by itself, and for tools that are no commands.
    package var exitCode: Int64?
    /// `SIGKILL`, … when a signal ended the command.
    package var signal: String?
    package var stdout: String?
    package var stderr: String?
    package var isTruncated = false
    /// What the call is known to have changed in the workspace. Nil when it may have changed things that nobody watched.
    package var changes: [JSONValue]? = []
    package var denial: JSONValue = .null
    package var auditID: String?
    package var callID: String?
    /// The tool's own result.
    package var result: JSONValue = .null
    /// One sentence, when it did not do what it was called for.
    package var error: String?
    /// How to agree to the call, when somebody has to: `{request_id, command}`.
    package var approval: JSONValue = .null

    package init() {}

    package var json: JSONValue {
        .object([
            "ok": .bool(isOK), "error": .optional(error), "exit_code": exitCode.map { .int($0) } ?? .null, "signal": .optional(signal),
            "stdout": .optional(stdout), "stderr": .optional(stderr), "truncated": .bool(isTruncated),
            "changes": changes.map { .array($0) } ?? .null, "denial": denial, "approval": approval, "audit_id": .optional(auditID),
            "call_id": .optional(callID), "result": result,
        ])
    }

    /// Of `json`, around the schema of a tool's own result.
    package static func schema(result: JSONValue?) -> JSONValue {
        func nullable(_ type: String, _ description: String) -> JSONValue {
            .object(["type": .strings([type, "null"]), "description": .string(description)])
        }
        func flag(_ description: String) -> JSONValue { .object(["type": .string("boolean"), "description": .string(description)]) }
        let own: JSONValue = result.map { .object(["anyOf": .array([$0, .object(["type": .string("null")])])]) } ?? .object([])
        return .object([
            "type": .string("object"), "required": .strings(["ok", "changes", "denial", "audit_id", "result"]),
            "properties": .object([
                "ok": flag("whether the tool did what it was called for"),
                "error": nullable("string", "why it did not, in one sentence"),
                "exit_code": nullable("integer", "of a command that exited by itself"),
                "signal": nullable("string", "that ended a command"), "stdout": nullable("string", "of a command"),
                "stderr": nullable("string", "of a command"), "truncated": flag("whether something was left out"),
                "changes": .object([
                    "type": .strings(["array", "null"]), "items": .object(["type": .string("object")]),
                    "description": .string("files that were changed; null when that is not known"),
                ]),
                "denial": nullable("object", "who refused it, by which rule, and what would change that"),
                "approval": nullable("object", "how a person agrees to the call"),
                "audit_id": nullable("string", "the record of the call"), "call_id": nullable("string", "what the records know it by"),
                "result": own,
            ]),
        ])
    }
}
