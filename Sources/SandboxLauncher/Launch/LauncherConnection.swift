internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// The running glovebox-launcher and the way to it. It is started at the first launch and again when it has died.
final class LauncherConnection: Sendable {
    private struct State: ~Copyable {
        /// Without it the launcher leaves, if there is one.
        var control: OwnedDescriptor?
        var process: ProcessHandle?

        /// For the end of a launcher, nanoseconds.
        private static let patience: UInt64 = 5_000_000_000

        /// Closes the control socket, upon which the launcher leaves, and reaps it: a launcher that stayed as a zombie would
        /// hold its number for as long as this process lives.
        mutating func retire() {
            control = nil
            guard let ended = process.take() else { return }
            // It ends at once, or with the init of its only run. One that somebody has stopped does neither, and is not waited for.
            let isOver = try? Polling.wait(ended.rawValue, for: .readable, deadline: MonotonicClock.now() + Self.patience)
            if isOver != true { _ = try? ended.kill(SIGKILL) }
            _ = try? ended.wait()
        }
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) {
        self.path = path
    }

    /// Where the launcher is installed relative to the running program: beside it, or in `../libexec/glovebox`.
    static func installedPath() throws(LaunchError) -> String {
        guard let program = try? HostPath.readLink("/proc/self/exe") else {
            throw LaunchError(.launcher, "/proc/self/exe cannot be read", mend: "mount /proc")
        }
        let directory = program.parentPath
        let candidates = [directory + "/glovebox-launcher", directory.parentPath + "/libexec/glovebox/glovebox-launcher"]
        for candidate in candidates where access(candidate, X_OK) == 0 { return candidate }
        throw LaunchError(
            .launcher, "glovebox-launcher is neither at \(candidates[0]) nor at \(candidates[1])",
            mend: "build it with `make build`, or install Glovebox with `make install`")
    }

    /// Sends one request. The answers arrive on the status socket that is the first of `descriptors`.
    func send(_ spec: [UInt8], flags: UInt32, cgroups: UInt32, descriptors: [Int32]) throws(LaunchError) {
        var request = Self.request(bytes: spec.count)
        request.flags = flags
        request.cgroup_count = cgroups
        if spec.count > Int(GB_INLINE_SPEC_MAX) {
            let memory: OwnedDescriptor
            do {
                memory = try MemoryFile.make(name: "glovebox-spec", bytes: spec, sealed: true)
            } catch {
                throw LaunchError(.exhausted, "no memory file for the launch spec: \(error)", mend: "free memory or descriptors")
            }
            request.flags |= GB_REQUEST_SPEC_IN_MEMFD.rawValue
            // After stdio (and the channel), before the cgroups: the order of launch_spec.h.
            var ordered = descriptors
            ordered.insert(memory.rawValue, at: descriptors.count - Int(cgroups))
            try deliver(withUnsafeBytes(of: request) { Array($0) }, body: [], descriptors: ordered)
        } else {
            try deliver(withUnsafeBytes(of: request) { Array($0) }, body: spec, descriptors: descriptors)
        }
    }

    /// Starts the launcher ahead of the first request, so that it comes up while the caller is still busy, and lets it make that
    /// request's process. A failure shows at the request.
    func prestart(_ preparation: gb_preparation?) {
        state.withLock { state in
            if state.control.number == nil { try? start(&state) }
            guard let preparation, let control = state.control.number else { return }
            var request = Self.request(bytes: MemoryLayout<gb_preparation>.size)
            request.flags = GB_REQUEST_PREPARE.rawValue
            try? DescriptorMessage.send(
                on: control, header: withUnsafeBytes(of: request) { Array($0) }, body: withUnsafeBytes(of: preparation) { Array($0) },
                descriptors: [])
        }
    }

    static func request(bytes: Int) -> gb_request {
        var request = gb_request()
        request.magic = UInt32(GB_SPEC_MAGIC)
        request.version = UInt32(GB_SPEC_VERSION)
        request.spec_size = UInt32(bytes)
        return request
    }

    /// Lets the launcher leave, without waiting for it: `close` does.
    func dismiss() {
        state.withLock { $0.control = nil }
    }

    /// Ends the launcher: it leaves when its control socket closes, and every sandbox of it dies with it.
    func close() {
        state.withLock { $0.retire() }
    }

    private func deliver(_ header: [UInt8], body: [UInt8], descriptors: [Int32]) throws(LaunchError) {
        do {
            try state.withLock { (state: inout State) throws in
                for attempt in 0...1 {
                    if state.control.number == nil { try start(&state) }
                    guard let control = state.control.number else { continue }
                    do {
                        try DescriptorMessage.send(on: control, header: header, body: body, descriptors: descriptors)
                        return
                    } catch let error as SystemError {
                        // A dead launcher shows at the next request; the runs it took with it have their own outcome.
                        state.retire()
                        if attempt == 1 || (error.errno != EPIPE && error.errno != ECONNRESET) { throw error }
                    }
                }
            }
        } catch let error as LaunchError {
            throw error
        } catch {
            throw LaunchError(.launcher, "glovebox-launcher does not take requests: \(error)", mend: "run `glovebox doctor`")
        }
    }

    private func start(_ state: inout State) throws {
        state.retire() // one that was dismissed
        do {
            var pair = try SocketPair.sequencedPacket()
            let ours = pair.takeFirst()
            let theirs = pair.takeSecond()
            let process = try SpawnedLauncher.start(path: path, arguments: ["glovebox-launcher"], inheriting: theirs.rawValue)
            state.control = consume ours
            state.process = consume process
        } catch {
            throw LaunchError(.launcher, "glovebox-launcher at \(path) cannot be started: \(error)", mend: "run `glovebox doctor`")
        }
    }
}
