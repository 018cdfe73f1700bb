internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
package import SandboxPolicy
package import StrictJSON

/// Sandboxes of others, and how each is asked for what Glovebox does by default: every namespace it has, the system read-only, a private
/// /tmp, no network, no capabilities, and a filter. Where one takes ours it gets the same.
package enum Peer: String, CaseIterable, Sendable {
    case bwrap, nsjail, sandlock, firejail, runc, crun

    /// The program on this host, as PATH finds it.
    package var program: String? { Self.find(rawValue) }

    package static func find(_ name: String) -> String? {
        let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return (search.split(separator: ":") + ["/usr/local/bin", "/usr/bin", "/usr/sbin"]).lazy.filter { $0.hasPrefix("/") }
            .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    package var absence: BenchReport.NotMeasured {
        .init(name: rawValue, state: .absent, why: "\(rawValue) is not on this machine", isPeer: true)
    }

    /// What a peer is to show of the machine, and how it gets its filter.
    package struct Setting: Sendable {
        /// Further files and directories, read-only and at their own paths.
        package var readable: [String] = []
        /// Compiled, for bwrap alone, which finds it as descriptor 9.
        package var filter: InheritedFile
        /// A directory of the run's own: for bundles.
        package var scratch: String
        /// The same filter as an OCI profile.
        package var profile: JSONValue?

        /// What a policy's filter is without a supervisor, which others do not have: what would be notified is refused.
        package init(policy: ResolvedPolicy, confinement: Confinement, scratch: String) throws {
            let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: false)
            let specification = try SyscallCatalogue.specification(
                for: confinement.syscalls, maySpawn: confinement.maySpawn, network: confinement.network, demands: demands)
            let program = try FilterCompiler.compile(specification)
            filter = InheritedFile(try MemoryFile.make(name: "filter", bytes: program.bytes, sealed: false))
            profile = try? OCIProfile.write(specification)
            self.scratch = scratch
        }
    }

    /// The case of running a command in it.
    package func benchmark(_ path: String, _ command: [String], _ setting: Setting) throws -> BenchmarkCase {
        switch self {
        case .bwrap: .command(rawValue, Self.bwrap(path, command, setting), isPeer: true, extra: setting.filter)
        case .nsjail: .command(rawValue, Self.nsjail(path, command, setting), isPeer: true)
        case .sandlock: .command(rawValue, Self.sandlock(path, command, setting), isPeer: true)
        case .firejail: .command(rawValue, Self.firejail(path, command), isPeer: true)
        case .runc, .crun: try OCIBundle(setting, command).benchmark(rawValue, path)
        }
    }

    package static func bwrap(_ path: String, _ command: [String], _ setting: Setting) -> [String] {
        words(
            path,
            """
            --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try --ro-bind /usr /usr \
            --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind /etc/ld.so.cache /etc/ld.so.cache \
            --proc /proc --dev /dev --tmpfs /tmp
            """) + setting.readable.flatMap { ["--ro-bind", $0, $0] }
            + words(nil, "--cap-drop ALL --die-with-parent --new-session --seccomp 9") + command
    }

    private static func nsjail(_ path: String, _ command: [String], _ setting: Setting) -> [String] {
        words(
            path,
            """
            -Mo -Q --user 1000:\(getuid()):1 --group 1000:\(getgid()):1 --disable_rlimits --cwd / -R /usr -s usr/bin:/bin -s usr/lib:/lib \
            -s usr/lib64:/lib64 -R /etc/ld.so.cache -T /tmp -B /dev/null -B /dev/zero -B /dev/urandom
            """) + setting.readable.flatMap { ["-R", $0] } + ["--"] + command
    }

    /// Without namespaces: it has none.
    private static func sandlock(_ path: String, _ command: [String], _ setting: Setting) -> [String] {
        words(path, "run -r /usr -r /lib -r /lib64 -r /bin -r /etc/ld.so.cache -r /dev -w /tmp")
            + setting.readable.flatMap { ["-r", $0] } + ["--"] + command
    }

    private static func firejail(_ path: String, _ command: [String]) -> [String] {
        words(
            path,
            """
            --quiet --noprofile --private --private-tmp --private-dev --net=none --caps.drop=all --nonewprivs --seccomp --ipc-namespace --
            """) + command
    }

    private static func words(_ program: String?, _ text: String) -> [String] {
        (program.map { [$0] } ?? []) + text.split(separator: " ").map(String.init)
    }
}
