internal import LibOSModel
internal import Synchronization

/// The accounts that were written last, so that a turn need not read and take apart again what it wrote itself.
///
/// An account is used again only when the store's object still has the same version: versions of an object only rise, and what
/// is remembered was committed. Whoever else changes the object raises its version, and then it is read.
final class KnownAccounts: Sendable {
    struct Account: Sendable {
        /// As it was stored.
        var object: AgentObject
        var log: ContextLog
        /// Those that the log told of last; nil when nobody compared them yet.
        var tools: [ToolSpec]?
    }

    private struct State {
        var accounts: [ProcessID: Account] = [:]
        /// In the order in which they were remembered first.
        var order: [ProcessID] = []
    }

    /// Processes whose accounts are kept. An account holds some ten thousand bytes.
    private static let most = 256
    private let state = Mutex(State())

    func account(of id: ProcessID, in store: any StoreReading) throws(LibOSError) -> Account? {
        guard let account = state.withLock({ $0.accounts[id] }) else { return nil }
        let object = account.object
        guard let head = try store.heads(of: [object.id])[object.id], head.version == object.version, head.updatedAt == object.updatedAt
        else { return nil }
        return account
    }

    /// Only after the transaction that wrote it is committed.
    func remember(_ account: Account, of id: ProcessID) {
        state.withLock { state in
            if state.accounts.updateValue(account, forKey: id) != nil { return }
            state.order.append(id)
            if state.order.count > Self.most { state.accounts[state.order.removeFirst()] = nil }
        }
    }
}
