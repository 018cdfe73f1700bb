internal import CapabilityLanguage
package import LibOSModel
internal import SandboxPolicy
package import StrictJSON

/// Why a process may or may not do something: every record that speaks of it, in force or not, and which one decides.
package struct AuthorityExplanation: Sendable {
    package var subject: ProcessID
    package var decision: AuthorizationDecision
    /// For each needed right, in the order of the request.
    package var rights: [Right]

    package struct Right: Sendable {
        package var decision: RightDecision
        /// In the order of issue.
        package var records: [Record]
    }

    package struct Record: Sendable {
        package var record: CapabilityRecord
        package var isDeciding: Bool
        /// Half a sentence: `decides`, `is wider than the deciding one`, `expired at …`.
        package var standing: String
    }
}

extension CapabilityBroker {
    package func explain(_ request: AuthorizationRequest, in store: any StoreReading) throws(LibOSError) -> AuthorityExplanation {
        let decision = try authorize(request, in: store)
        let all = try store.capabilities(of: request.subject)
        var rights: [AuthorityExplanation.Right] = []
        for right in decision.rights {
            let deciding = all.first { $0.id == right.selected }
            var records: [AuthorityExplanation.Record] = []
            for record in all where record.rights.contains(right.right) && record.resource.intersection(right.resource) != nil {
                let lineage = try Lineage(of: record, at: store.now, in: store)
                records.append(
                    .init(
                        record: record, isDeciding: record.id == right.selected,
                        standing: standing(record, beside: deciding, on: right, holds: lineage.holds, at: store.now)))
            }
            rights.append(.init(decision: right, records: records))
        }
        return AuthorityExplanation(subject: request.subject, decision: decision, rights: rights)
    }

    private func standing(
        _ record: CapabilityRecord, beside deciding: CapabilityRecord?, on right: RightDecision, holds: Bool, at now: Timestamp
    ) -> String {
        if record.status != .active { return "has ended (\(record.status.rawValue))" }
        if let end = record.expiresAt, end <= now { return "expired at \(end)" }
        if let uses = record.usesRemaining, uses <= 0 { return "has no use left" }
        if !holds { return "hangs below a record that has ended" }
        if record.id == right.selected {
            let unmet = right.constraints.filter { !$0.isMet }.map(\.key)
            return unmet.isEmpty ? "decides" : "decides, and its condition is not met: \(unmet.joined(separator: ", "))"
        }
        if !record.resource.covers(right.resource) {
            return right.holes.contains { $0.capability == record.id } ? "keeps a place inside out" : "speaks of a place inside only"
        }
        guard let deciding else { return "does not decide" }
        if deciding.effect == .deny { return record.effect == .deny ? "denies too" : "is outweighed by the deny" }
        return record.resource.specificity < deciding.resource.specificity
            ? "is wider than the deciding one" : "is older than the deciding one"
    }
}

extension AuthorityExplanation {
    /// For people, one record a line, no colours, nothing that a terminal would obey.
    package var text: String {
        var lines = ["\(decision.effect.rawValue): \(decision.reason)"]
        for right in rights {
            lines.append("\(right.decision.right.rawValue) on \(right.decision.resource): \(right.decision.effect.rawValue)")
            if right.records.isEmpty { lines.append("  no record speaks of it") }
            for item in right.records {
                let record = item.record
                let rights = CapabilityRight.inOrder(record.rights).map(\.rawValue).joined(separator: ",")
                lines.append(
                    "  \(item.isDeciding ? "*" : " ") \(record.id) \(record.effect.rawValue) \(record.resource) \(rights), issued by "
                        + "\(record.issuedBy) at \(record.issuedAt): \(item.standing)")
            }
            if case .policy(let word) = right.decision.cause { lines.append("  * policy: \(word.reason)") }
            for hole in right.decision.holes { lines.append("    left out: \(hole.resource), by \(hole.capability)") }
            if right.decision.issuers.count > 1 {
                lines.append("    line: " + right.decision.issuers.map { "\($0.capability) by \($0.issuedBy)" }.joined(separator: " <- "))
            }
        }
        if let suggestion = decision.denial?.suggestion { lines.append("smallest change: \(suggestion)") }
        return lines.map(printable).joined(separator: "\n") + "\n"
    }

    package var json: JSONValue {
        .object([
            "schema": .string("glovebox.authority/1"), "subject": .string(subject.text), "decision": decision.json,
            "rights": .array(rights.map(\.json)),
        ])
    }
}

extension AuthorityExplanation.Right {
    fileprivate var json: JSONValue {
        .object([
            "resource": .string(decision.resource.description), "right": .string(decision.right.rawValue),
            "effect": .string(decision.effect.rawValue), "selected": .optional(decision.selected?.text),
            "records": .array(
                records.map { item in
                    .object([
                        "capability_id": .string(item.record.id.text), "effect": .string(item.record.effect.rawValue),
                        "resource": .string(item.record.resource.description),
                        "rights": .strings(CapabilityRight.inOrder(item.record.rights).map(\.rawValue)),
                        "constraints": item.record.constraints.json, "status": .string(item.record.status.rawValue),
                        "issued_by": .string(item.record.issuedBy), "issued_at": .string(item.record.issuedAt.description),
                        "expires_at": .optional(item.record.expiresAt?.description), "decides": .bool(item.isDeciding),
                        "standing": .string(item.standing),
                    ])
                }),
            "left_out": .array(
                decision.holes.map {
                    .object(["resource": .string($0.resource.description), "capability_id": .string($0.capability.text)])
                }),
        ])
    }
}
