internal import CapabilityLanguage
package import LibOSModel
package import StrictJSON

extension HumanRequest.Content {
    /// As events, audit records and consoles show it. The subject of what would be granted is always the process that asks.
    package func json(subject: ProcessID) -> JSONValue {
        switch self {
        case .question(let text, let context):
            .object(["type": .string(kind), "question": .string(text), "context": context])
        case .permission(let permission, let question, let reason):
            .object([
                "type": .string(kind), "question": .string(question),
                "requested_permission": .object([
                    "subject": .string(subject.text), "resource": .string(permission.resource.description),
                    "rights": .strings(CapabilityRight.inOrder(permission.rights).map(\.rawValue)),
                ]), "context": .object(["reason": .string(reason)]),
            ])
        case .approval(let approval, let question):
            .object([
                "type": .string(kind), "question": .string(question),
                "requested_once_capability": .object([
                    "subject": .string(subject.text), "needs": .array(approval.needs.map(\.json)),
                    "constraints": .object(["action_hash": .string(approval.actionHash)]),
                ]),
                "context": .object([
                    "tool": .string(approval.tool), "arguments": approval.arguments, "policy_hash": .string(approval.policyHash),
                    "asked_by": .strings(approval.rules),
                    "facts": approval.facts,
                ]),
            ])
        case .output(let message, let channel):
            .object(["type": .string(kind), "chars": .int(Int64(message.count)), "channel": .string(channel)])
        }
    }
}

extension NeededRight {
    package var json: JSONValue {
        .object([
            "resource": .string(resource.description), "rights": .strings(CapabilityRight.inOrder(rights).map(\.rawValue)),
        ])
    }
}

extension HumanDecision {
    package var json: JSONValue {
        .object([
            "responder": .string(responder), "approved": .bool(isApproved), "answer": .optional(answer),
            "policy": .optional(policy?.rawValue), "reason": .optional(reason), "expires_at": .optional(expiresAt?.description),
        ])
    }
}

extension HumanRequest {
    /// The whole request, for people and for `--json`.
    package var json: JSONValue {
        .object([
            "request_id": .string(id.text), "pid": .string(process.text), "human": .string(human), "status": .string(status.rawValue),
            "blocking": .bool(isBlocking), "payload": content.json(subject: process), "decision": decision?.json ?? .null,
            "expires_at": .optional(expiresAt?.description), "created_at": .string(createdAt.description),
            "updated_at": .string(updatedAt.description),
        ])
    }
}
