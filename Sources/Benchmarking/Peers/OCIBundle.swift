internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON
internal import Synchronization

/// A container of the OCI runtimes, with what a sandbox of ours shows and lets through.
struct OCIBundle {
    private let directory: String

    /// - Parameter command: what the container runs.
    init(_ setting: Peer.Setting, _ command: [String]) throws {
        directory = setting.scratch + "/bundle"
        for path in [directory, directory + "/rootfs", directory + "/state"] where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw SystemError(errno: errno, operation: "mkdir", object: path)
        }
        let file = try PathResolution.open(path: directory + "/config.json", flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try Transfer.writeAll(file.rawValue, Array(Self.configuration(setting, command).canonicalText.utf8))
    }

    /// A name of its own for each launch, as these runtimes want it.
    func benchmark(_ name: String, _ path: String) -> BenchmarkCase {
        let words = [path, "--root", directory + "/state", "run", "--bundle", directory]
        let number = LaunchNumber()
        let launch: @Sendable () -> BareLaunch = { BareLaunch(words + ["glovebox-bench-\(getpid())-\(number.next())"]) }
        return BenchmarkCase(
            name: name, command: (words + ["NAME"]).joined(separator: " "), isPeer: true, run: { launch()() },
            attempt: {
                let ended = launch().listening()
                return ended.problem.map { ended.complaint.isEmpty ? $0 : "\($0): \(ended.complaint)" }
            })
    }

    private final class LaunchNumber: Sendable {
        private let value = Atomic<Int>(0)
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    private static func configuration(_ setting: Peer.Setting, _ command: [String]) -> JSONValue {
        var linux: [JSONMember] = [
            JSONMember(
                "namespaces",
                .array(
                    ["user", "mount", "pid", "network", "ipc", "uts", "cgroup"].map { .object([JSONMember("type", .string($0))]) })),
            JSONMember("uidMappings", .array([mapping(getuid())])), JSONMember("gidMappings", .array([mapping(getgid())])),
        ]
        if let profile = setting.profile { linux.append(JSONMember("seccomp", profile)) }
        return .object([
            JSONMember("ociVersion", .string("1.0.2")),
            JSONMember(
                "process",
                .object([
                    JSONMember("terminal", .bool(false)), JSONMember("args", .strings(command)), JSONMember("cwd", .string("/")),
                    JSONMember("env", .strings(["PATH=/usr/bin:/bin"])), JSONMember("noNewPrivileges", .bool(true)),
                    JSONMember("user", .object([JSONMember("uid", .int(0)), JSONMember("gid", .int(0))])),
                    JSONMember("capabilities", .object([])),
                ])),
            JSONMember("root", .object([JSONMember("path", .string("rootfs")), JSONMember("readonly", .bool(false))])),
            JSONMember("mounts", .array(mounts(setting))), JSONMember("linux", .object(linux)),
        ])
    }

    private static func mapping(_ id: UInt32) -> JSONValue {
        .object([JSONMember("containerID", .int(0)), JSONMember("hostID", .int(Int64(id))), JSONMember("size", .int(1))])
    }

    private static func mounts(_ setting: Peer.Setting) -> [JSONValue] {
        func mount(_ place: String, _ type: String, _ source: String, _ options: [String]) -> JSONValue {
            .object([
                JSONMember("destination", .string(place)), JSONMember("type", .string(type)), JSONMember("source", .string(source)),
                JSONMember("options", .strings(options)),
            ])
        }
        let readable = (["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"] + setting.readable).filter { access($0, F_OK) == 0 }
        return [mount("/proc", "proc", "proc", []), mount("/dev", "tmpfs", "tmpfs", ["nosuid", "mode=755"])]
            + [mount("/tmp", "tmpfs", "tmpfs", ["nosuid", "nodev"])]
            + readable.map { mount($0, "bind", $0, ["rbind", "ro"]) }
    }
}
