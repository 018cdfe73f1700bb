internal import Glibc
internal import LinuxPrimitives
package import SandboxPolicy
internal import Synchronization

/// Policies by name, read once and used for as long as nothing that they came from has changed: for programs that live long.
///
/// What is looked at before each use: each file that was read, and each directory in which a file could have taken the policy's name
/// since. A policy that is named by a path is read each time.
package final class PolicyCache: Sendable {
    private struct Entry: Sendable {
        let name: String
        let userDirectories: [String]
        let seen: [Seen]
        let compiled: CompiledPolicy?
        let resolved: ResolvedPolicy?
    }

    /// A file or directory as it was; nil: nothing was there.
    private struct Seen: Sendable {
        let path: String
        let identity: FileIdentity?

        init(_ path: String) {
            self.path = path
            identity = try? FileIdentity.of(path: path)
        }

        var isUnchanged: Bool { identity == (try? FileIdentity.of(path: path)) }
    }

    private let store: PolicyStore
    private let entries = Mutex<[Entry]>([])
    private static let limit = 64

    /// - Parameter store: its user directories are replaced by those of each caller.
    package init(_ store: PolicyStore) { self.store = store }

    /// Policies as somebody with these values of XDG_CONFIG_HOME and HOME finds them.
    package func source(configuration: String?, home: String?) -> CachedPolicies {
        var own = store
        own.userDirectories = PolicyStore.userDirectories(configuration: configuration, home: home)
        return CachedPolicies(cache: self, store: own)
    }

    fileprivate func compiled(_ name: String, _ store: PolicyStore) -> CompiledPolicy? {
        guard PolicyStore.isName(name), !PolicyStore.isPath(name) else { return nil }
        if let known = entry(name, store, isCompiled: true) { return known.compiled }
        let before = places(store)
        guard let compiled = store.loadCompiled(name), let shipped = store.shippedDirectory else { return nil }
        // Noted before they are read again: what changed in between is then seen at the next use.
        let files = compiled.sources.flatMap { source in PolicyStore.endings.map { Seen("\(shipped)/\(source.name)\($0)") } }.filter {
            $0.identity != nil // one of another ending that comes later shows at its directory
        }
        guard store.loadCompiled(name) == compiled, before.allSatisfy(\.isUnchanged) else { return compiled }
        keep(Entry(name: name, userDirectories: store.userDirectories, seen: before + files, compiled: compiled, resolved: nil))
        return compiled
    }

    fileprivate func resolved(_ reference: String, _ store: PolicyStore) throws(PolicyError) -> ResolvedPolicy {
        guard PolicyStore.isName(reference), !PolicyStore.isPath(reference) else { return try store.load(reference) }
        if let known = entry(reference, store, isCompiled: false)?.resolved { return known }
        let before = places(store)
        let tracked = try store.loadTracked(reference)
        let files = tracked.paths.map(Seen.init)
        guard tracked.isCurrent, before.allSatisfy(\.isUnchanged) else { return tracked.policy }
        keep(
            Entry(
                name: reference, userDirectories: store.userDirectories, seen: before + files, compiled: nil, resolved: tracked.policy))
        return tracked.policy
    }

    /// Where a file could appear that changes what a name means. A directory's own times tell that.
    private func places(_ store: PolicyStore) -> [Seen] {
        (store.userDirectories + [store.shippedDirectory].compactMap { $0 } + store.compiled.directories).map(Seen.init)
    }

    private func entry(_ name: String, _ store: PolicyStore, isCompiled: Bool) -> Entry? {
        let found = entries.withLock { entries in
            entries.first { $0.name == name && $0.userDirectories == store.userDirectories && ($0.compiled != nil) == isCompiled }
        }
        guard let found, found.seen.allSatisfy(\.isUnchanged) else { return nil }
        return found
    }

    private func keep(_ entry: Entry) {
        entries.withLock { entries in
            entries.removeAll {
                $0.name == entry.name && $0.userDirectories == entry.userDirectories && ($0.compiled == nil) == (entry.compiled == nil)
            }
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(entry)
        }
    }
}

/// One caller's view of a `PolicyCache`.
package struct CachedPolicies: PolicySource {
    fileprivate let cache: PolicyCache
    fileprivate let store: PolicyStore

    package func loadCompiled(_ reference: String) -> CompiledPolicy? { cache.compiled(reference, store) }
    package func load(_ reference: String) throws(PolicyError) -> ResolvedPolicy { try cache.resolved(reference, store) }
}
