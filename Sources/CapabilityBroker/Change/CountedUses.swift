package import LibOSModel
internal import StrictJSON

/// Uses of counted records, taken off for one action that has not begun. Settled once, by `commit` or `restore`; left open by a crash
/// they stay taken.
package struct UseReservation: Sendable, Hashable {
    package let id: ReservationID
    package let subject: ProcessID
    package let capabilities: [CapabilityID]
    /// The call that the uses were taken for, when it has a row.
    package let call: ToolCallID?
}

/// Why it is certain that an action never began. Without such a fact a use stays taken.
package enum NoStartProof: Sendable, Hashable {
    /// Decided or checked before anything was started.
    case refusedBeforeDispatch(String)
    /// The launcher said that the tool's program was not executed: stage and error number.
    case setupFailed(stage: String, errno: Int32)

    var json: JSONValue {
        switch self {
        case .refusedBeforeDispatch(let why): .object(["refused_before_dispatch": .string(why)])
        case .setupFailed(let stage, let errno): .object(["setup_failed": .string(stage), "errno": .int(Int64(errno))])
        }
    }
}

extension CapabilityBroker {
    /// Takes one use off each of a decision's one-shot records, or off none. Call it in the transaction that decided, before the
    /// action starts. nil when nothing is counted.
    package func reserve(
        _ decision: AuthorizationDecision, of subject: ProcessID, for call: ToolCallID? = nil, in transaction: any StoreTransaction
    ) throws(LibOSError) -> UseReservation? {
        guard decision.isAllowed else {
            throw LibOSError(.denied, "nothing is reserved for what is not allowed: \(decision.reason)", denial: decision.denial)
        }
        guard decision.subject == subject else {
            throw LibOSError(.validation, "a decision about \(decision.subject) gives \(subject) nothing")
        }
        guard !decision.oneShots.isEmpty else { return nil }
        let reservation = UseReservation(id: .new(), subject: subject, capabilities: decision.oneShots, call: call)
        var records: [CapabilityRecord] = []
        for id in decision.oneShots {
            // Read again: the decision may be older than this transaction.
            guard var record = try transaction.capability(id), record.subject == subject, let uses = record.usesRemaining,
                try Lineage(of: record, at: transaction.now, in: transaction).holds
            else {
                throw .denied(Denial(layer: .capability, rule: id.text, reason: "\(id) has no use left for \(subject)"))
            }
            record.usesRemaining = uses - 1
            record.reservations.insert(reservation.id)
            records.append(record)
        }
        for record in records {
            try transaction.update(record)
            try note("reserved", record, reservation, in: transaction)
        }
        return reservation
    }

    /// The action has begun: its uses are gone, and an approval that it rested on is used.
    package func commit(_ reservation: UseReservation, in transaction: any StoreTransaction) throws(LibOSError) {
        for var record in try reserved(reservation, in: transaction) {
            record.reservations.remove(reservation.id)
            let isUsedUp = record.status == .active && record.usesRemaining ?? 1 <= 0 && record.reservations.isEmpty
            if isUsedUp { record.status = .consumed }
            try transaction.update(record)
            try note("committed", record, reservation, in: transaction)
            if let hash = record.constraints.actionHash { try markUsed(hash, of: record.subject, in: transaction) }
        }
    }

    /// Gives the uses back, because the action never began. A record that was ended meanwhile stays ended.
    package func restore(
        _ reservation: UseReservation, because proof: NoStartProof, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        if let id = reservation.call, let call = try transaction.toolCall(id), call.state == .completed || call.state == .unknown {
            throw .denied(
                Denial(
                    layer: .capability, rule: id.text, reason: "call \(id) is \(call.state.rawValue): that it never began is not certain"))
        }
        for var record in try reserved(reservation, in: transaction) {
            record.reservations.remove(reservation.id)
            if record.status == .active, let uses = record.usesRemaining, uses < .max { record.usesRemaining = uses + 1 }
            try transaction.update(record)
            try note("restored", record, reservation, extra: proof.json, in: transaction)
        }
    }

    /// The reserved records, if every one of them still has the reservation: none is settled twice.
    private func reserved(
        _ reservation: UseReservation, in transaction: any StoreReading
    ) throws(LibOSError) -> [CapabilityRecord] {
        var records: [CapabilityRecord] = []
        for id in reservation.capabilities {
            guard let record = try transaction.capability(id), record.subject == reservation.subject,
                record.reservations.contains(reservation.id)
            else { throw LibOSError(.validation, "reservation \(reservation.id) of \(id) is settled already, or never was") }
            records.append(record)
        }
        return records
    }

    private func note(
        _ phase: String, _ record: CapabilityRecord, _ reservation: UseReservation, extra: JSONValue = .null,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.audit(
            "capability.consume", record, by: reservation.subject.text,
            extra: [
                "phase": .string(phase), "reservation": .string(reservation.id.text), "call_id": .optional(reservation.call?.text),
                "proof": extra,
            ])
    }

    /// The approved request behind an approval says that it was used.
    private func markUsed(_ hash: String, of subject: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) {
        for var request in try transaction.humanRequests(status: .approved, process: subject) {
            guard case .approval(let approval, _) = request.content, haveSameBytes(approval.actionHash, hash) else { continue }
            request.status = .used
            request.updatedAt = transaction.now
            try transaction.update(request)
        }
    }
}
