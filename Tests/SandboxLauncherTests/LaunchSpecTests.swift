import CLaunchABI
import Glibc
import LinuxPrimitives
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

@testable import SandboxLauncher

/// The launcher against specs that no supervisor of ours would send: it answers each with a failure or runs it sealed, never
/// dies of one, and serves the next request.
@Suite(.serialized) struct LaunchSpecTests {
    /// A launcher of the test's own, spoken to over its control socket.
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

        /// A zombie would keep the testing library from seeing how its own child processes end.
        deinit {
            _ = try? process.kill(SIGKILL)
            _ = try? process.wait()
        }

        /// Sends a request and gives the messages that come on its status socket until it ends.
        func launch(
            _ header: gb_request, _ body: [UInt8] = [], specMemory: Int32? = nil, extra: [Int32] = [], descriptors wanted: Int = 4
        ) throws -> [LaunchMessage] {
            var pair = try SocketPair.sequencedPacket()
            let status = pair.takeFirst()
            let theirs = pair.takeSecond()
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            let stdio = OwnedDescriptor(adopting: null)
            var numbers = [theirs.rawValue, stdio.rawValue, stdio.rawValue, stdio.rawValue]
            numbers.removeLast(4 - wanted)
            if let specMemory { numbers.append(specMemory) }
            try DescriptorMessage.send(
                on: control.rawValue, header: withUnsafeBytes(of: header) { Array($0) }, body: body, descriptors: numbers + extra)
            theirs.close()
            var messages: [LaunchMessage] = []
            let deadline = MonotonicClock.now() + 20_000_000_000
            while try Polling.wait(status.rawValue, for: .readable, deadline: deadline) {
                // The end may come as a reset when the launcher left bytes unread.
                guard
                    let received = try? DescriptorMessage.receive(on: status.rawValue, maxBytes: LaunchMessage.size + 1, maxDescriptors: 1)
                else { return messages }
                if let message = LaunchMessage(received.bytes) { messages.append(message) }
            }
            Issue.record("the launcher neither answered nor closed the status socket")
            return messages
        }

        func send(_ spec: [UInt8], change: (inout gb_request) -> Void = { _ in }) throws -> [LaunchMessage] {
            var header = LaunchSpecTests.request(UInt32(spec.count))
            change(&header)
            return try launch(header, spec)
        }

        func works(_ spec: [UInt8]) throws -> Bool {
            let last = try send(spec).last
            return last?.kind == .exited && last?.status == 7 << 8
        }

        func isAlive() throws -> Bool { try !process.isFinished() }
    }

    static func request(_ size: UInt32) -> gb_request {
        gb_request(
            magic: UInt32(GB_SPEC_MAGIC), version: UInt32(GB_SPEC_VERSION), flags: 0, spec_size: size, cgroup_count: 0, reserved: 0)
    }

    /// A small spec that runs `/bin/sh -c "exit 7"` below a root of its own.
    static func valid() throws -> [UInt8] {
        var spec = LaunchSpec()
        spec.arguments = ["/bin/sh", "-c", "exit 7"]
        spec.environment = ["PATH=/usr/bin:/bin"]
        spec.searchPath = "/usr/bin:/bin"
        spec.outerUser = KernelFacts.isRoot ? 1_900_000_000 : getuid()
        spec.outerGroup = KernelFacts.isRoot ? 1_900_000_000 : getgid()
        if KernelFacts.isRoot { spec.flags.insert(.mappedByLauncher) }
        spec.flags.insert(.landlock)
        spec.landlock = LandlockPlan.access(hostABI: Int32(KernelFacts.landlockABI), network: NetworkConfinement())
        for name in ["proc", "tmp", "dev"] { spec.mounts.append(MountEntry(kind: .directory(mode: 0o755), target: "/" + name)) }
        let paths = ["/usr", "/bin", "/lib", "/lib64"].compactMap { path -> (String, FileIdentity)? in
            (try? FileIdentity.of(path: path, followingLink: false)).map { (path, $0) }
        }
        for (path, identity) in paths {
            if identity.isSymbolicLink {
                spec.mounts.append(MountEntry(kind: .symlink(to: "usr" + path), target: path))
            } else {
                spec.mounts.append(MountEntry(kind: .directory(mode: 0o755), target: path))
            }
        }
        spec.templateCount = UInt32(spec.mounts.count)
        spec.mounts.append(MountEntry(kind: .proc, target: "/proc"))
        for (path, identity) in paths where identity.isDirectory {
            let source = BindSource(path: path, device: identity.device, inode: identity.inode, owner: nil)
            spec.mounts.append(MountEntry(kind: .bind(source), target: path, readOnly: true))
            spec.pathRules.append(
                PathRule(path: path, access: LandlockPlan.bits(for: [.read, .execute], mediated: false), optional: false))
        }
        spec.resourceLimits = [ResourceLimit(resource: UInt32(RLIMIT_CORE.rawValue), soft: 0, hard: 0, name: "core")]
        return try LaunchSpecEncoder.encode(spec)
    }

    /// Offset of a field in the spec's header.
    static func field(_ path: PartialKeyPath<gb_spec>) throws -> Int { try #require(MemoryLayout<gb_spec>.offset(of: path)) }

    static func put(_ value: UInt32, at offset: Int, in bytes: inout [UInt8]) {
        withUnsafeBytes(of: value) { raw in for (index, byte) in raw.enumerated() { bytes[offset + index] = byte } }
    }

    private static func get(_ offset: Int, _ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }

    @Test(.timeLimit(.minutes(1))) func `a valid spec runs`() throws {
        let launcher = try Launcher()
        let messages = try launcher.send(try Self.valid())
        #expect(messages.map(\.kind) == [.launched, .started, .exited], "\(messages.map { ($0.stage, $0.errno, $0.detail) })")
        #expect(messages.last?.status == 7 << 8)
    }

    @Test(.timeLimit(.minutes(1))) func `each wrong field is refused by itself`() throws {
        let launcher = try Launcher()
        let valid = try Self.valid()
        let mounts = Int(Self.get(try Self.field(\.mounts), valid))
        let rules = Int(Self.get(try Self.field(\.path_rules), valid))
        let limits = Int(Self.get(try Self.field(\.rlimits), valid))
        // What, where, value, expected error.
        let changes: [(String, Int, UInt32, Int32)] = [
            ("magic", try Self.field(\.magic), 0, EINVAL),
            ("newer version", try Self.field(\.version), UInt32(GB_SPEC_VERSION) + 1, EPROTO),
            ("version 0", try Self.field(\.version), 0, EPROTO), ("size", try Self.field(\.size), UInt32(valid.count) + 1, EINVAL),
            ("unknown flag", try Self.field(\.flags), 1 << 31, EOPNOTSUPP), ("host root", try Self.field(\.outer_uid), 0, EPERM),
            ("host root's group", try Self.field(\.outer_gid), 0, EPERM), ("no id", try Self.field(\.outer_uid), .max, EINVAL),
            ("strings beyond", try Self.field(\.strings), UInt32(valid.count) + 1, EINVAL),
            ("strings in the header", try Self.field(\.strings), 8, EINVAL),
            ("strings longer", try Self.field(\.strings) + 4, 1 << 20, EINVAL), ("no argv", try Self.field(\.argv) + 4, 0, EINVAL),
            ("argv crooked", try Self.field(\.argv), Self.get(try Self.field(\.argv), valid) + 1, EINVAL),
            ("too many mounts", try Self.field(\.mounts) + 4, UInt32(GB_MAX_MOUNTS) + 1, E2BIG),
            ("mounts overflow", try Self.field(\.mounts) + 4, .max, E2BIG),
            ("too many rules", try Self.field(\.path_rules) + 4, UInt32(GB_MAX_PATH_RULES) + 1, E2BIG),
            ("too many limits", try Self.field(\.rlimits) + 4, UInt32(GB_MAX_RLIMITS) + 1, E2BIG),
            ("filter without its flag", try Self.field(\.filter) + 4, 8, EINVAL),
            ("working directory beyond", try Self.field(\.working_directory), .max, EINVAL),
            ("hostname beyond", try Self.field(\.hostname), .max, EINVAL),
            ("template beyond the mounts", try Self.field(\.template_count), .max, EINVAL),
            ("creation outside the template", try Self.field(\.template_count), 0, EINVAL),
            ("mount kind", mounts, 99, EOPNOTSUPP), ("mount kind 0", mounts, 0, EOPNOTSUPP),
            ("mount flags", mounts + 4, 1 << 30, EOPNOTSUPP),
            ("mount target beyond", mounts + 12, .max, EINVAL), ("rule access", rules + 4, 0x8000_0000, EINVAL),
            ("rule path beyond", rules + 8, .max, EINVAL), ("rule flags", rules + 12, 2, EOPNOTSUPP), ("rlimit", limits, 16, EINVAL),
            ("rlimit reserved", limits + 4, 1, EINVAL), ("soft over hard", limits + 8, 1, EINVAL),
        ]
        for (name, offset, value, expected) in changes {
            var bytes = valid
            Self.put(value, at: offset, in: &bytes)
            let messages = try launcher.send(bytes)
            #expect(messages.map(\.kind) == [.failed], "\(name): \(messages.map(\.kind))")
            #expect(messages.first?.stage == .request && messages.first?.errno == expected, "\(name): \(messages.first?.errno ?? 0)")
        }
        #expect(try launcher.works(valid))
    }

    @Test(.timeLimit(.minutes(1))) func `each wrong request is refused by itself`() throws {
        let launcher = try Launcher()
        let valid = try Self.valid()
        let changes: [(String, Int32, (inout gb_request) -> Void)] = [
            ("magic", EINVAL, { $0.magic = 1 }), ("newer version", EPROTO, { $0.version += 1 }),
            ("flags", EOPNOTSUPP, { $0.flags = 1 << 20 }),
            ("reserved", EOPNOTSUPP, { $0.reserved = 1 }), ("size", EINVAL, { $0.spec_size += 1 }),
            ("cgroups that are not there", EBADF, { $0.cgroup_count = 1 }), ("too many cgroups", E2BIG, { $0.cgroup_count = 1000 }),
            ("channel that is not there", EBADF, { $0.flags = GB_REQUEST_HAS_CHANNEL.rawValue }),
            ("memfd that is not there", EBADF, { $0.flags = GB_REQUEST_SPEC_IN_MEMFD.rawValue }),
        ]
        for (name, expected, change) in changes {
            let messages = try launcher.send(valid, change: change)
            #expect(messages.map(\.kind) == [.failed], "\(name)")
            #expect(messages.first?.stage == .request && messages.first?.errno == expected, "\(name): \(messages.first?.errno ?? 0)")
        }
        let null = OwnedDescriptor(adopting: open("/dev/null", O_RDWR | O_CLOEXEC))
        let more = try launcher.launch(Self.request(UInt32(valid.count)), valid, extra: [null.rawValue])
        #expect(more.first?.errno == EINVAL, "a descriptor that nobody asked for")
        let many = try launcher.launch(Self.request(UInt32(valid.count)), valid, extra: Array(repeating: null.rawValue, count: 12))
        #expect(many.first?.errno == EINVAL)
        let few = try launcher.launch(Self.request(UInt32(valid.count)), valid, descriptors: 3)
        #expect(few.first?.errno == EBADF)
        #expect(try launcher.works(valid))
    }

    @Test(.timeLimit(.minutes(1))) func `a spec in memory must be sealed`() throws {
        let launcher = try Launcher()
        let valid = try Self.valid()
        var header = Self.request(UInt32(valid.count))
        header.flags = GB_REQUEST_SPEC_IN_MEMFD.rawValue
        let sealed = try MemoryFile.make(name: "spec", bytes: valid, sealed: true)
        #expect(try launcher.launch(header, specMemory: sealed.rawValue).last?.status == 7 << 8)
        let open = try MemoryFile.make(name: "spec", bytes: valid, sealed: false)
        #expect(try launcher.launch(header, specMemory: open.rawValue).first?.errno == EPERM)
        let file = OwnedDescriptor(adopting: Glibc.open("/dev/zero", O_RDONLY | O_CLOEXEC))
        #expect(try launcher.launch(header, specMemory: file.rawValue).first?.errno == EPERM)
        header.spec_size += 4096
        #expect(try launcher.launch(header, specMemory: sealed.rawValue).first?.errno == EINVAL, "shorter than it says")
        header.spec_size = .max
        #expect(try launcher.launch(header, specMemory: sealed.rawValue).first?.errno == EINVAL)
        #expect(try launcher.works(valid))
    }

    @Test(.timeLimit(.minutes(1))) func `truncations and random changes do no harm`() throws {
        let launcher = try Launcher()
        let valid = try Self.valid()
        for count in Array(stride(from: 0, to: valid.count, by: 37)) {
            let messages = try launcher.launch(Self.request(UInt32(count)), Array(valid.prefix(count)))
            #expect(messages.map(\.kind) == [.failed], "\(count) bytes")
        }
        var random = SeededGenerator(state: 20_251_126)
        var refused = 0
        for round in 0..<400 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let messages = try launcher.send(bytes)
            #expect(!messages.isEmpty, "round \(round)")
            // The launcher's word that it started a child and the child's that it failed come from two processes, in either order.
            let kinds = messages.map(\.kind)
            #expect(
                kinds.contains(.failed) || kinds.last == .exited, "round \(round): \(kinds) \(Self.changes(valid, bytes))")
            if kinds.contains(.failed) { refused += 1 }
            if try !launcher.isAlive() { Issue.record("the launcher died in round \(round)"); return }
        }
        #expect(refused > 0)
        #expect(try launcher.works(valid))
    }

    private static func changes(_ old: [UInt8], _ new: [UInt8]) -> [String] {
        zip(old, new).enumerated().filter { $1.0 != $1.1 }.map { "\($0): \($1.0) → \($1.1)" }
    }

    @Test(.timeLimit(.minutes(1))) func `what is no request ends the launcher with its own status`() throws {
        let launcher = try Launcher()
        try DescriptorMessage.send(on: launcher.control.rawValue, header: Array("hello".utf8))
        #expect(try launcher.process.wait().reason == .exited(GB_LAUNCHER_EXIT_PROTOCOL))
    }

    @Test(.timeLimit(.minutes(1)), arguments: 0..<6) func `a wrong preparation ends the launcher with its own status`(_ kind: Int) throws {
        var header = gb_request()
        (header.magic, header.version, header.flags) = (UInt32(GB_SPEC_MAGIC), UInt32(GB_SPEC_VERSION), GB_REQUEST_PREPARE.rawValue)
        header.spec_size = UInt32(MemoryLayout<gb_preparation>.size)
        var body = gb_preparation()
        (body.inner_uid, body.inner_gid, body.outer_uid, body.outer_gid) = (1000, 1000, 1000, 1000)
        switch kind {
        case 0: body.outer_uid = 0 // the host's root
        case 1: body.spec_flags = GB_SPEC_NOTIFY.rawValue
        case 2: body.flags = 2
        case 3: header.version += 1
        case 4: header.spec_size += 1
        default: header.flags |= GB_REQUEST_HAS_CHANNEL.rawValue
        }
        let launcher = try Launcher()
        try DescriptorMessage.send(
            on: launcher.control.rawValue, header: withUnsafeBytes(of: header) { Array($0) },
            body: withUnsafeBytes(of: body) { Array($0) }, descriptors: [])
        #expect(try launcher.process.wait().reason == .exited(GB_LAUNCHER_EXIT_PROTOCOL))
    }

    @Test(.timeLimit(.minutes(1))) func `a closed control socket ends the launcher well`() throws {
        var pair = try SocketPair.sequencedPacket()
        let ours = pair.takeFirst()
        let theirs = pair.takeSecond()
        let process = try SpawnedLauncher.start(path: Products.launcher, arguments: ["glovebox-launcher"], inheriting: theirs.rawValue)
        theirs.close()
        ours.close()
        #expect(try process.wait().reason == .exited(GB_LAUNCHER_EXIT_OK))
    }

    @Test(.timeLimit(.minutes(1))) func `started by hand it says what it is`() throws {
        let ended = try BareProcess.run([Products.launcher])
        #expect(ended.code == GB_LAUNCHER_EXIT_USAGE)
        #expect(ended.errorOutput.contains("glovebox-launcher is started by glovebox"))
    }
}
