import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Synchronization
import TestSupport
import Testing

/// Descriptor 3: what the tool has of it, and what reading from it tells the supervisor.
@Suite struct ChannelTests {
    /// What a run with a channel left.
    private struct Exchange {
        var report: RunReport
        /// What the tool wrote, piece by piece, with whether its first process wrote it.
        var pieces: [(text: String, isFirstProcess: Bool, droppedDescriptors: Bool)]
        /// Number of starts that the channel told of.
        var starts: Int
    }

    /// Runs the probe with a channel and reads everything that comes out of it. `message` and the descriptor are sent
    /// when it has started.
    private func exchange(
        _ fixture: SandboxFixture, _ action: [String], message: String = "hello\n", descriptor: Int32? = nil,
        policy: ResolvedPolicy? = nil
    ) async throws -> Exchange {
        var pair = try SocketPair.stream()
        let ours = pair.takeFirst()
        try AttributedStream.enable(on: ours.rawValue)
        let text = Array(message.utf8)
        let (number, passed) = (ours.rawValue, descriptor.map { [$0] } ?? [])
        let told = Mutex<[Int32?]>([])
        // Not before the start: a tool that had its message earlier could be gone before anybody knew it.
        let channel = ToolChannel(end: pair.takeSecond()) { pid in
            told.withLock { $0.append(pid) }
            _ = text.withUnsafeBytes { try? AttributedStream.write(number, $0, descriptors: passed) }
        }
        let request = try fixture.request(
            policy ?? (try TestPolicies.shipped("workspace")), action.isEmpty ? ["/nonexistent"] : [Products.probe] + action,
            channel: channel)
        let report = await fixture.supervisor.run(request)
        channel.close()
        let first = told.withLock { $0.first ?? nil }
        var pieces: [(text: String, isFirstProcess: Bool, droppedDescriptors: Bool)] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        reading: while true {
            // A launch that failed is told before the launcher has let its copies of the descriptors go.
            _ = try Polling.wait(number, for: .readable, deadline: MonotonicClock.now() + 10_000_000_000)
            switch try buffer.withUnsafeMutableBytes({ try AttributedStream.read(ours.rawValue, into: $0) }) {
            case .bytes(let count, let writer, let dropped):
                pieces.append((String(decoding: buffer[..<count], as: UTF8.self), writer == first, dropped))
            case .nothing:
                Issue.record("the channel did not end with its tool")
                break reading
            case .end: break reading
            }
        }
        return Exchange(report: report, pieces: pieces, starts: told.withLock { $0.count })
    }

    @Test(.timeLimit(.minutes(1))) func `the channel is descriptor 3, named in the environment, and nothing else is open`() async throws {
        try await SandboxFixture.with { fixture in
            let leaked = open("/", O_RDONLY | O_DIRECTORY)
            defer { close(leaked) }
            let listed = try await exchange(fixture, ["fds"])
            #expect(listed.report.answer == .ok("0 1 2 3"))
            #expect(listed.report.entry("descriptors")?.detail == "0, 1, 2, the channel as 3, and no other")
            #expect(listed.starts == 1)

            let echoed = try await exchange(fixture, ["channel-echo"])
            #expect(echoed.report.answer == .ok("named=3"))
            #expect(echoed.pieces.map(\.text) == ["hello\n"])
            #expect(echoed.pieces.map(\.isFirstProcess) == [true])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `without a channel nothing is open and nothing is named`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let report = try await fixture.probe(policy, "fds")
            #expect(report.answer == .ok("0 1 2"))
            #expect(report.entry("descriptors")?.detail == "0, 1, 2 and no other")
            let claimed = try await fixture.seal(policy, [Products.probe, "environ"], environment: ["GLOVEBOX_CHANNEL": "3"])
            #expect(claimed.answer.detail?.contains("GLOVEBOX_CHANNEL") == false, "a caller cannot claim a channel")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a child writes is told from what the tool's first process writes`() async throws {
        try await SandboxFixture.with { fixture in
            let result = try await exchange(fixture, ["channel-forge"])
            #expect(result.report.answer == .ok("exited 0"), "the child did write")
            #expect(result.pieces.map(\.text) == ["child\n", "first\n"], "one read never joins two writers")
            #expect(result.pieces.map(\.isFirstProcess) == [false, true])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a descriptor that was handed over has its own rights and no more`() async throws {
        try await SandboxFixture.with { fixture in
            let path = try fixture.file("data.txt", "content", mode: 0o666)
            try HostFile.write(fixture.scratch.path + "/other", "", mode: 0o666)
            for other in ["data.txt", "../other"] {
                let file = try PathResolution.open(path: fixture.workspace + "/" + other, flags: O_RDONLY)
                let policy = try TestPolicies.inline([])
                let result = try await exchange(fixture, ["channel-descriptor"], descriptor: file.rawValue, policy: policy)
                let expected = other == "data.txt" ? "content" : ""
                let detail = try #require(result.report.answer.detail)
                #expect(detail.hasPrefix("read=\(expected) write=EBADF reopen="), "\(detail)")
                #expect(!detail.hasSuffix("reopen=ok"), "a descriptor for reading does not open the file for writing: \(detail)")
            }
            #expect(try HostFile.text(path) == "content")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `descriptors from inside are never opened`() async throws {
        try await SandboxFixture.with { fixture in
            let result = try await exchange(fixture, ["channel-pass"])
            #expect(result.report.answer == .ok(""))
            #expect(result.pieces.map(\.text) == ["gift\n"])
            #expect(result.pieces.map(\.droppedDescriptors) == [true])
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a run that does not start tells of no start`() async throws {
        try await SandboxFixture.with { fixture in
            let result = try await exchange(fixture, [])
            #expect(result.report.outcome.kind == "not_found")
            #expect(result.starts == 0)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a channel that is no connected unix stream is refused`() async throws {
        try await SandboxFixture.with { fixture in
            for kind in ["packets", "directory", "unconnected"] {
                let channel = ToolChannel(end: try Self.end(kind, fixture.workspace)) { _ in Issue.record("it started") }
                let report = await fixture.supervisor.run(
                    try fixture.request(try TestPolicies.shipped("workspace"), [Products.probe, "fds"], channel: channel))
                #expect(report.outcome.kind == "setup_failed", "\(report.outcome)")
            }
        }
    }
    private static func end(_ kind: String, _ directory: String) throws -> OwnedDescriptor {
        switch kind {
        case "packets":
            var packets = try SocketPair.sequencedPacket()
            return packets.takeFirst()
        case "directory": return try PathResolution.openDirectory(path: directory, resolve: [])
        default: return OwnedDescriptor(adopting: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        }
    }
}
