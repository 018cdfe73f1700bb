internal import CapabilityLanguage
package import LibOSModel

extension CapabilityBroker {
    /// Why an action that was decided before may not take effect now: for effects that come at its end. Nil when the authority still
    /// stands. Uses that the action took count as there.
    package func objection(
        to request: AuthorizationRequest, after decision: AuthorizationDecision, taking reservation: UseReservation?,
        in store: any StoreReading
    ) throws(LibOSError) -> Denial? {
        let process = try store.existingProcess(request.subject)
        if process.status.isTerminal {
            return Denial(layer: .process, rule: "terminal is final", reason: "process \(process.id) has ended meanwhile")
        }
        let now = try authorize(request, in: store)
        if now.isAllowed { return nil }
        guard let reservation, reservation.subject == request.subject else { return now.denialWithoutHuman }
        // Without the uses that were taken others may decide, an ask for example; a record that denies would have decided before too.
        for right in now.rights {
            if right.effect == .deny, case .record = right.cause { return right.denial(for: request.subject) }
        }
        for id in decision.capabilities {
            guard var record = try store.capability(id) else { return Self.gone(id) }
            if record.reservations.contains(reservation.id) { record.usesRemaining = record.usesRemaining.map { max(1, $0) } }
            guard try Lineage(of: record, at: store.now, in: store).holds else { return Self.gone(id) }
        }
        return nil
    }

    private static func gone(_ id: CapabilityID) -> Denial {
        Denial(layer: .capability, rule: id.text, reason: "\(id), on which the action rested, is not in force any more")
    }
}
