internal import LinuxPrimitives
package import SandboxPolicy

/// A policy with the files it was read from, for programs that use one for long.
package struct TrackedPolicy: Sendable {
    package let policy: ResolvedPolicy
    /// Nil: what was read could not be told apart, so it never counts as current.
    private let files: [(path: String, identity: FileIdentity?)]

    /// Whether each file is the one that was read, untouched. A look at each name, nothing is read.
    package var isCurrent: Bool {
        files.allSatisfy { file in file.identity.map { $0 == (try? FileIdentity.of(path: file.path)) } ?? false }
    }

    /// Every file that was read.
    package var paths: [String] { files.map(\.path) }

    fileprivate init(_ policy: ResolvedPolicy, _ files: [(path: String, identity: FileIdentity?)]) {
        self.policy = policy
        self.files = files
    }
}

extension PolicyStore {
    /// The same as `load`, with the files noted before they are read: one that changes meanwhile is not current.
    package func loadTracked(_ reference: String) throws(PolicyError) -> TrackedPolicy {
        var files: [(path: String, identity: FileIdentity?)] = []
        func read(_ place: Place) throws(PolicyError) -> [UInt8] {
            files.append((place.path, try? FileIdentity.of(path: place.path)))
            return try PolicyFile.read(place.path, mustBeOurs: place.mustBeOurs)
        }
        let first = try locate(reference)
        let beside = Self.isPath(reference) ? Self.parent(of: first.path) : nil
        let policy = try PolicyLoader.load(try read(first), fileName: first.shown) { name throws(PolicyError) in
            let place = try find(name, beside: beside)
            return (try read(place), place.shown)
        }
        return TrackedPolicy(policy, files)
    }
}
