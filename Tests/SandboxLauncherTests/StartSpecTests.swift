import CLaunchABI
import Glibc
import LinuxPrimitives
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

@testable import SandboxLauncher

/// A parked sandbox against starts that no supervisor of ours would send: it serves one call, never a wider one.
@Suite(.serialized) struct StartSpecTests {
    private struct Unexpected: Error { let messages: [LaunchMessage.Kind] }

    /// A launcher of the test's own, and what it answers.
    private struct Launcher: ~Copyable {
        let control: OwnedDescriptor
        let process: ProcessHandle

        init() throws {
            var pair = try SocketPair.sequencedPacket()
            let ours = pair.takeFirst()
            let theirs = pair.takeSecond()
            process = try SpawnedLauncher.start(path: Products.launcher, arguments: ["glovebox-launcher"], inheriting: theirs.rawValue)
            control = ours
        }

        deinit {
            _ = try? process.kill(SIGKILL)
            _ = try? process.wait()
        }

        /// Sends a request with this status socket and other descriptors. Ours of the socket.
        func request(_ spec: [UInt8], flags: UInt32, descriptors: [Int32] = []) throws -> OwnedDescriptor {
            var pair = try SocketPair.sequencedPacket()
            let status = pair.takeFirst()
            let theirs = pair.takeSecond()
            var header = LaunchSpecTests.request(UInt32(spec.count))
            header.flags = flags
            try DescriptorMessage.send(
                on: control.rawValue, header: withUnsafeBytes(of: header) { Array($0) }, body: spec,
                descriptors: [theirs.rawValue] + descriptors)
            return status
        }

        /// A sandbox that waits.
        func park(_ spec: [UInt8]) throws -> OwnedDescriptor {
            let status = try request(spec, flags: GB_REQUEST_PARK.rawValue)
            var kinds: [LaunchMessage.Kind] = []
            while let message = try StartSpecTests.next(status) {
                kinds.append(message.kind)
                // Two processes say these, in either order.
                if kinds.contains(.parked), kinds.contains(.launched) { return status }
            }
            throw Unexpected(messages: kinds)
        }
    }

    /// Nil at the end.
    private static func next(_ status: borrowing OwnedDescriptor) throws -> LaunchMessage? {
        let deadline = MonotonicClock.now() + 20_000_000_000
        guard try Polling.wait(status.rawValue, for: .readable, deadline: deadline) else {
            Issue.record("neither an answer nor an end")
            return nil
        }
        guard let received = try? DescriptorMessage.receive(on: status.rawValue, maxBytes: LaunchMessage.size + 1, maxDescriptors: 1) else {
            return nil
        }
        return LaunchMessage(received.bytes)
    }

    private static func rest(_ status: consuming OwnedDescriptor) throws -> [LaunchMessage] {
        var messages: [LaunchMessage] = []
        while let message = try next(status) { messages.append(message) }
        return messages
    }

    /// What a supervisor would send for the sandbox of `LaunchSpecTests.valid`.
    private static func start(_ change: (inout LaunchSpec) -> Void = { _ in }) throws -> [UInt8] {
        var spec = LaunchSpec()
        spec.flags = .start
        spec.arguments = ["/bin/sh", "-c", "exit 9"]
        spec.searchPath = "/usr/bin:/bin"
        (spec.hostname, spec.rootBytes, spec.rootInodes) = ("", 0, 0)
        spec.outerUser = KernelFacts.isRoot ? 1_900_000_000 : getuid()
        spec.outerGroup = KernelFacts.isRoot ? 1_900_000_000 : getgid()
        change(&spec)
        return try LaunchSpecEncoder.encode(spec)
    }

    private static func send(
        _ spec: [UInt8], on status: borrowing OwnedDescriptor, flags: UInt32 = GB_REQUEST_START.rawValue, descriptors: Int = 3,
        change: (inout gb_request) -> Void = { _ in }
    ) throws {
        let null = OwnedDescriptor(adopting: open("/dev/null", O_RDWR | O_CLOEXEC))
        var header = LaunchSpecTests.request(UInt32(spec.count))
        header.flags = flags
        change(&header)
        try DescriptorMessage.send(
            on: status.rawValue, header: withUnsafeBytes(of: header) { Array($0) }, body: spec,
            descriptors: Array(repeating: null.rawValue, count: descriptors))
    }

    /// The spec of `LaunchSpecTests.valid`, whose tool itself waits or its init.
    private static func parkable(tool: Bool) throws -> [UInt8] { try flagged(tool ? GB_SPEC_PARK_TOOL.rawValue : 0) }

    private static func flagged(_ further: UInt32) throws -> [UInt8] {
        var bytes = try LaunchSpecTests.valid()
        let at = try LaunchSpecTests.field(\.flags)
        let flags = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
        LaunchSpecTests.put(flags | further, at: at, in: &bytes)
        return bytes
    }

    @Test(.timeLimit(.minutes(1))) func `only a parked sandbox's tool waits, and none with a terminal`() throws {
        let launcher = try Launcher()
        let null = OwnedDescriptor(adopting: open("/dev/null", O_RDWR | O_CLOEXEC))
        let cold = try launcher.request(
            try Self.parkable(tool: true), flags: 0, descriptors: [null.rawValue, null.rawValue, null.rawValue])
        #expect(try Self.rest(cold).map(\.kind) == [.failed])
        let terminal = try Self.flagged(GB_SPEC_PARK_TOOL.rawValue | GB_SPEC_TERMINAL.rawValue)
        #expect(try Self.rest(try launcher.request(terminal, flags: GB_REQUEST_PARK.rawValue)).map(\.kind) == [.failed])
    }

    @Test(.timeLimit(.minutes(1))) func `a parked tool that cannot execute says so`() throws {
        let launcher = try Launcher()
        let status = try launcher.park(try Self.parkable(tool: true))
        try Self.send(try Self.start { $0.arguments = ["/nonexistent"] }, on: status)
        let messages = try Self.rest(status)
        #expect(messages.map(\.kind) == [.failed])
        #expect(messages.first?.stage == .exec && messages.first?.errno == ENOENT)
        let elsewhere = try launcher.park(try Self.parkable(tool: true))
        try Self.send(try Self.start { $0.workingDirectory = "/nonexistent" }, on: elsewhere)
        let answer = try Self.rest(elsewhere)
        #expect(answer.map(\.kind) == [.failed])
        #expect(answer.first?.stage == .credentials && answer.first?.detail == 1)
    }

    @Test(.timeLimit(.minutes(1))) func `a parked tool hands a narrower call back`() throws {
        let launcher = try Launcher()
        let status = try launcher.park(try Self.parkable(tool: true))
        let start = try Self.start { spec in
            spec.flags.insert(.landlock)
            spec.landlock = LandlockPlan.access(hostABI: Int32(KernelFacts.landlockABI), network: NetworkConfinement())
            spec.pathRules = ["/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"].map { path in
                PathRule(path: path, access: LandlockPlan.bits(for: [.read, .execute], mediated: false), optional: true)
            }
            spec.arguments = ["/bin/sh", "-c", "read -r line </usr/lib/os-release || exit 8"]
        }
        try Self.send(start, on: status)
        let messages = try Self.rest(status)
        #expect(messages.map(\.kind) == [.started, .exited], "\(messages.map { ($0.stage, $0.errno) })")
        #expect(messages.last?.status == 8 << 8, "the file is in no rule of the start")
        let wide = try launcher.park(try Self.parkable(tool: true))
        try Self.send(try Self.start { $0.arguments = ["/bin/sh", "-c", "read -r line </usr/lib/os-release || exit 8"] }, on: wide)
        #expect(try Self.rest(wide).last?.status == 0, "but in one of the sandbox")
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `a start runs its program`(tool: Bool) throws {
        let launcher = try Launcher()
        let status = try launcher.park(try Self.parkable(tool: tool))
        try Self.send(try Self.start(), on: status)
        let messages = try Self.rest(status)
        #expect(messages.map(\.kind) == [.started, .exited], "\(messages.map { ($0.stage, $0.errno) })")
        #expect(messages.last?.status == 9 << 8)
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `without a start it ends with its socket`(tool: Bool) throws {
        let launcher = try Launcher()
        var status = try launcher.request(try Self.parkable(tool: tool), flags: GB_REQUEST_PARK.rawValue)
        var handle: ProcessHandle?
        while handle.number == nil {
            let message = try DescriptorMessage.receive(on: status.rawValue, maxBytes: LaunchMessage.size, maxDescriptors: 1)
            guard var message, let read = LaunchMessage(message.bytes) else { break }
            if read.kind == .launched, let pidfd = message.takeDescriptor(0) { handle = ProcessHandle(adopting: pidfd, pid: read.pid) }
        }
        let pidfd = handle.number
        let number = try #require(pidfd)
        status.close()
        #expect(try Polling.wait(number, for: .readable, deadline: MonotonicClock.now() + 20_000_000_000))
        status = try launcher.park(try LaunchSpecTests.valid())
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `what would widen it is refused, and nothing runs`(tool: Bool) throws {
        let launcher = try Launcher()
        let valid = try Self.parkable(tool: tool)
        let core = ResourceLimit(resource: UInt32(RLIMIT_CORE.rawValue), soft: 0, hard: 0, name: "core")
        let cases: [(String, Int32, (inout LaunchSpec) -> Void)] = [
            ("a mount", EINVAL, { $0.mounts = [MountEntry(kind: .directory(mode: 0o755), target: "/x")] }),
            ("a filter", EINVAL, { ($0.filter, $0.flags) = (Array(repeating: 0, count: 8), [.start, .seccomp]) }),
            ("a terminal", EINVAL, { $0.flags.insert(.terminal) }), ("a loopback", EINVAL, { $0.flags.insert(.loopback) }),
            ("a listener", EINVAL, { $0.flags.insert(.notify) }), ("an exec page", EINVAL, { $0.execPage = 4096 }),
            ("a root", EINVAL, { $0.rootBytes = 4096 }),
            (
                "rules without a ruleset", EINVAL,
                {
                    $0.pathRules = [PathRule(path: "/", access: 0, optional: false)]
                }
            ),
            ("a sandbox of its own", EINVAL, { $0.flags = [] }),
            ("another user", EPERM, { $0.outerUser += 1 }), ("another group", EPERM, { $0.outerGroup += 1 }),
            ("another inner id", EPERM, { $0.innerID = 0 }), ("the host's root", EPERM, { $0.outerUser = 0 }),
            ("a higher limit", EPERM, { $0.resourceLimits = [ResourceLimit(resource: core.resource, soft: 0, hard: 1, name: "core")] }),
            (
                "a higher soft limit", EPERM,
                {
                    $0.resourceLimits = [ResourceLimit(resource: core.resource, soft: 1, hard: 1, name: "core")]
                }
            ),
            (
                "another limit", EPERM,
                {
                    $0.resourceLimits = [ResourceLimit(resource: UInt32(RLIMIT_CPU.rawValue), soft: 0, hard: 0, name: "cpu")]
                }
            ),
            ("one limit more", EPERM, { $0.resourceLimits = [core, core] }),
        ]
        for (name, expected, change) in cases {
            let status = try launcher.park(valid)
            try Self.send(try Self.start(change), on: status)
            let messages = try Self.rest(status)
            #expect(messages.map(\.kind) == [.failed], "\(name): \(messages.map(\.kind))")
            #expect(messages.first?.stage == .request && messages.first?.errno == expected, "\(name): \(messages.first?.errno ?? 0)")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `each wrong message is refused by itself`(tool: Bool) throws {
        let launcher = try Launcher()
        let valid = try Self.parkable(tool: tool)
        let start = try Self.start()
        let cases: [(String, Int32, Int, (inout gb_request) -> Void)] = [
            ("magic", EPROTO, 3, { $0.magic = 1 }), ("version", EPROTO, 3, { $0.version += 1 }),
            ("a launch", EOPNOTSUPP, 3, { $0.flags = 0 }), ("parks again", EOPNOTSUPP, 3, { $0.flags |= GB_REQUEST_PARK.rawValue }),
            ("in memory", EOPNOTSUPP, 4, { $0.flags |= GB_REQUEST_SPEC_IN_MEMFD.rawValue }),
            ("reserved", EOPNOTSUPP, 3, { $0.reserved = 1 }), ("cgroups", EINVAL, 3, { $0.cgroup_count = 1 }),
            ("size", EINVAL, 3, { $0.spec_size += 1 }), ("too few", EBADF, 2, { _ in }), ("too many", EINVAL, 4, { _ in }),
            ("no channel", EBADF, 3, { $0.flags |= GB_REQUEST_HAS_CHANNEL.rawValue }),
            ("a channel that is none", ENOTSOCK, 4, { $0.flags |= GB_REQUEST_HAS_CHANNEL.rawValue }),
        ]
        for (name, expected, descriptors, change) in cases {
            let status = try launcher.park(valid)
            try Self.send(start, on: status, descriptors: descriptors, change: change)
            let messages = try Self.rest(status)
            #expect(messages.map(\.kind) == [.failed], "\(name): \(messages.map(\.kind))")
            #expect(messages.first?.errno == expected, "\(name): \(messages.first?.errno ?? 0)")
        }
        // The launcher's half.
        let null = OwnedDescriptor(adopting: open("/dev/null", O_RDWR | O_CLOEXEC))
        let refused: [(String, [UInt8], UInt32, [Int32])] = [
            ("a start without a sandbox", start, 0, [null.rawValue, null.rawValue, null.rawValue]),
            ("parked for a start", start, GB_REQUEST_PARK.rawValue, []),
            ("parked with streams", valid, GB_REQUEST_PARK.rawValue, [null.rawValue, null.rawValue, null.rawValue]),
            ("parked with a channel", valid, GB_REQUEST_PARK.rawValue | GB_REQUEST_HAS_CHANNEL.rawValue, []),
            ("started at the launcher", start, GB_REQUEST_START.rawValue, [null.rawValue, null.rawValue, null.rawValue]),
        ]
        for (name, spec, flags, descriptors) in refused {
            let messages = try Self.rest(try launcher.request(spec, flags: flags, descriptors: descriptors))
            #expect(messages.map(\.kind) == [.failed], "\(name): \(messages.map(\.kind))")
        }
        let status = try launcher.park(valid)
        try Self.send(start, on: status)
        #expect(try Self.rest(status).last?.status == 9 << 8)
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `random changes do no harm`(tool: Bool) throws {
        let launcher = try Launcher()
        let valid = try Self.parkable(tool: tool)
        let start = try Self.start { $0.resourceLimits = [ResourceLimit(resource: 4, soft: 0, hard: 0, name: "core")] }
        var random = SeededGenerator(state: 20_251_127)
        var refused = 0
        for round in 0..<150 {
            var bytes = start
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let status = try launcher.park(valid)
            try Self.send(bytes, on: status)
            let kinds = try Self.rest(status).map(\.kind)
            #expect(kinds == [.failed] || kinds == [.started, .exited], "round \(round): \(kinds)")
            if kinds == [.failed] { refused += 1 }
        }
        #expect(refused > 0)
    }

    /// A namespace that is shared must be one in which nothing can be met.
    @Test(.timeLimit(.minutes(1)), .enabled(if: KernelFacts.isRoot)) func `no spec shares a network that it could use`() throws {
        let launcher = try Launcher()
        let valid = try LaunchSpecTests.valid()
        let at = try LaunchSpecTests.field(\.flags)
        let flags = valid.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
        var bytes = valid
        LaunchSpecTests.put(flags | GB_SPEC_SHARED_NETWORK.rawValue, at: at, in: &bytes)
        let messages = try Self.rest(try launcher.request(bytes, flags: GB_REQUEST_PARK.rawValue))
        #expect(messages.map(\.kind) == [.failed], "it has neither filter nor listener")
        #expect(messages.first?.errno == EINVAL)
    }
}
