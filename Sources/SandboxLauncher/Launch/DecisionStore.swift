internal import SandboxPolicy
internal import Synchronization

/// What was decided about requests of one kind: looking at every denied name and putting the spec together anew costs a third of a
/// prepared launch. What is known is used only while the host is, by a look at the directories in which the names stand, as it was
/// when they were looked at: then a new look would find the same.
///
/// It is no older than the caller thinks: the look is made for each call, and what appears on the host after it is met as it would be
/// by a run that was decided at that moment.
final class DecisionStore: Sendable {
    /// Everything of a request that decisions come from; the words of the call do not count.
    private struct Key: Sendable {
        let policyHash: String
        let confinement: Confinement
        let workspaceIdentity: RunRequest.WorkspaceIdentity?
        let watchesOpening: Bool

        init(_ request: RunRequest) {
            policyHash = request.policyHash
            confinement = request.confinement
            workspaceIdentity = request.workspaceIdentity
            watchesOpening = request.watchesOpening
        }

        func isKey(of request: RunRequest) -> Bool {
            policyHash == request.policyHash && workspaceIdentity == request.workspaceIdentity
                && watchesOpening == request.watchesOpening && confinement.isSame(as: request.confinement)
        }
    }

    private struct Entry: Sendable {
        let key: Key
        let decisions: LaunchDecisions
        let names: DirectoryRecord
    }

    private let entries = Mutex<[Entry]>([])
    private static let limit = 64

    /// Nil when nothing is known, or not any more.
    func decisions(for request: RunRequest) -> LaunchDecisions? {
        guard Self.isKept(request) else { return nil }
        let known = entries.withLock { entries in entries.last { $0.key.isKey(of: request) } }
        guard let known else { return nil }
        if known.names.isUnchanged { return known.decisions }
        forget(request)
        return nil
    }

    /// - Parameter start: `DirectoryRecord.clock()` before anything was looked at.
    func keep(_ decisions: LaunchDecisions, for request: RunRequest, lookedAtSince start: Int64) {
        guard Self.isKept(request), let places = decisions.denials.places,
            let names = DirectoryRecord(of: places, lookedAtSince: start)
        else { return }
        entries.withLock { entries in
            entries.removeAll { $0.key.isKey(of: request) }
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(Entry(key: Key(request), decisions: decisions, names: names))
        }
    }

    func removeAll() { entries.withLock { $0.removeAll() } }

    private func forget(_ request: RunRequest) {
        entries.withLock { entries in entries.removeAll { $0.key.isKey(of: request) } }
    }

    /// Network names are resolved for each run, a denied program is looked for in whole trees, and a terminal is one run's own.
    private static func isKept(_ request: RunRequest) -> Bool {
        let confinement = request.confinement
        return !request.isOnTerminal && confinement.deniedPrograms.isEmpty && !confinement.network.isBrokered
            && confinement.network.loopback == nil
    }
}

/// What was decided about a request before anything is built for it.
struct LaunchDecisions: Sendable {
    var network: NetworkTargets
    var plan: SandboxPlan
    var denials: NameDenials
    /// Without the words of a call and without a terminal, where all of them share it.
    var spec: LaunchSpec?
}

extension Confinement {
    /// Equal, and their paths byte by byte: to Swift canonically equivalent ones are equal, to the kernel they are two.
    fileprivate func isSame(as other: Confinement) -> Bool {
        func areSame(_ paths: some Sequence<String>, _ others: some Sequence<String>) -> Bool {
            zip(paths, others).allSatisfy { $0.isSamePath(as: $1) }
        }
        guard self == other else { return false }
        return areSame([workspace ?? ""], [other.workspace ?? ""]) && areSame(grants.lazy.map(\.path), other.grants.lazy.map(\.path))
            && areSame(denials.lazy.map(\.path), other.denials.lazy.map(\.path))
            && areSame(standingDenials.lazy.map(\.path), other.standingDenials.lazy.map(\.path))
            && areSame(devices.lazy.map(\.path), other.devices.lazy.map(\.path))
    }
}
