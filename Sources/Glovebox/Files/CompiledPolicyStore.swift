internal import Glibc
package import LinuxPrimitives
internal import SandboxPolicy

/// The compiled policies that were built, and are installed, with the program: files beside glovebox-launcher.
///
/// Whoever may write there can replace the launcher itself, so they are believed as far as it is: nobody else is trusted with
/// them, nothing is ever written during a run, and no place that a tool or an ordinary user could come to own (a cache in a home
/// directory, XDG_CACHE_HOME, a workspace) is looked at. The owner and the mode are checked all the same, no link is followed,
/// and a file that is missing, damaged, of another build or of another text than the policy's is no error: the policy is worked
/// out from its text, as it is without such a file.
package struct CompiledPolicyStore: Sendable, Equatable {
    package static let directoryName = "compiled-policies"
    /// A compiled policy has some tens of KiB.
    static let limit = 4 << 20

    /// Looked at in order.
    package var directories: [String]
    /// nil: this program has no build id, so nothing is its own.
    var build: [UInt8]?

    package init(directories: [String], build: [UInt8]? = BuildIdentity.ofThisProgram) {
        self.directories = directories
        self.build = build
    }

    /// Beside the glovebox-launcher that this program uses: its own directory or `../libexec/glovebox`, and never both, so that who
    /// may write the one that is not used gains nothing.
    package static func standard(programDirectory: String?) -> CompiledPolicyStore {
        guard let directory = programDirectory else { return CompiledPolicyStore(directories: [], build: nil) }
        let installed = PolicyStore.parent(of: directory) + "/libexec/glovebox"
        let place = PolicyStore.exists(directory + "/glovebox-launcher") ? directory : installed
        return CompiledPolicyStore(directories: [place + "/" + directoryName])
    }

    func load(_ name: String) -> CompiledPolicy? {
        guard let build else { return nil }
        for directory in directories {
            guard let bytes = Self.read(directory + "/" + name) else { continue }
            return CompiledPolicy(encoded: bytes, build: build)
        }
        return nil
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = try? PathResolution.open(path: path, flags: O_RDONLY | O_NONBLOCK, resolve: .noLinks),
            let identity = try? FileIdentity.of(file.rawValue), identity.isRegularFile, identity.size <= UInt64(limit),
            identity.uid == 0 || identity.uid == geteuid(), identity.mode & 0o022 == 0
        else { return nil }
        return try? Transfer.readAll(file.rawValue, size: Int(identity.size))
    }

    /// Writes one, whole or not at all.
    package func write(_ policy: CompiledPolicy, to directory: String) throws(SystemError) {
        guard let build else { throw SystemError(errno: ENOTSUP, operation: "build id", object: "this program has none") }
        let handle = try PathResolution.openDirectory(path: directory, resolve: .ordinary)
        let temporary = ".\(policy.name).\(getpid()).new"
        let file = try PathResolution.open(
            at: handle.rawValue, path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
        do throws(SystemError) {
            try Transfer.writeAll(file.rawValue, policy.encoded(build: build))
            guard renameat(handle.rawValue, temporary, handle.rawValue, policy.name) == 0 else {
                throw SystemError(errno: errno, operation: "rename", object: policy.name)
            }
        } catch {
            unlinkat(handle.rawValue, temporary, 0)
            throw error
        }
    }
}
