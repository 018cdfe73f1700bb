import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Synchronization
import TestSupport
import Testing

/// A tool can give its standard output away. The run is over when its tree is, whoever still holds a copy.
@Suite(.serialized) struct PassedOutputTests {
    private static let script = """
        my $address = pack("S a*x", 1, "s"); my $socket = syscall(41, 1, 1, 0);
        syscall(42, $socket, $address, length $address) == 0 or die "connect: $!";
        my ($byte, $control) = ("x", pack("Q l l l x4", 20, 1, 1, 1)); my $part = pack("P Q", $byte, 1);
        my $message = pack("Q L x4 P Q P Q L x4", 0, 0, $part, 1, $control, length $control, 0);
        syscall(46, $socket, $message, 0) == 1 or die "sendmsg: $!"; print "given away\\n";
        """

    /// A socket in the workspace that takes one descriptor.
    private struct Taker: ~Copyable {
        let socket: Socket

        init(_ path: String) throws {
            let made = try Socket(family: AF_UNIX, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
            let error = made.bind([UInt8(AF_UNIX), 0] + Array(path.utf8) + [0])
            guard error == 0, chmod(path, 0o777) == 0, listen(made.rawValue, 1) == 0 else {
                throw SystemError(errno: error, operation: "bind", object: path)
            }
            try HostFile.give(path, to: SandboxFixture.workspaceOwner)
            socket = made
        }

        func take() throws -> OwnedDescriptor {
            guard try Polling.wait(socket.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000) else {
                throw SystemError(errno: ETIMEDOUT, operation: "accept")
            }
            let number = accept(socket.rawValue, nil, nil)
            guard number >= 0 else { throw SystemError(errno: errno, operation: "accept") }
            let connection = OwnedDescriptor(adopting: number)
            var message = try DescriptorMessage.receive(on: connection.rawValue, maxBytes: 16, maxDescriptors: 1)
            guard let descriptor = message?.takeDescriptor(0) else { throw SystemError(errno: ENOMSG, operation: "recvmsg") }
            return descriptor
        }
    }

    /// A copy of the tool's standard output that somebody outside holds.
    private final class Copy: Sendable {
        private let descriptor: Mutex<OwnedDescriptor?>
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = Mutex(consume descriptor) }

        /// False when it was gone already.
        @discardableResult func drop() -> Bool {
            descriptor.withLock { owner in
                let held = owner.number != nil
                owner = nil
                return held
            }
        }

        /// Whether what is written to it still arrives anywhere.
        var hasReader: Bool {
            descriptor.withLock { owner in
                var entry = [pollfd(fd: owner.number ?? -1, events: Int16(POLLOUT), revents: 0)]
                _ = try? Polling.wait(&entry, deadline: 0)
                return owner.number != nil && entry[0].revents & Int16(POLLERR) == 0
            }
        }

        func write(_ text: String) -> Bool {
            descriptor.withLock { owner in
                guard let number = owner.number else { return false }
                return (try? Transfer.writeAll(number, Array(text.utf8))) != nil
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a run ends although its output is held elsewhere`() async throws {
        try await SandboxFixture.with { fixture in
            // Outside, whoever waits for the end of the output waits for the one who holds the copy.
            let taker = try Taker(fixture.path("s"))
            var pipe = try Pipe.make()
            let reading = pipe.takeFirst()
            let writing = pipe.takeSecond()
            let pid = try BareProcess.spawn(
                PerlScript.arguments(Self.script), workingDirectory: fixture.workspace, output: writing.rawValue, error: writing.rawValue)
            writing.close()
            let outside = Copy(try taker.take())
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid && status == 0)
            var lines = LineReader(reading)
            #expect(try lines.next() == "given away")
            #expect(outside.hasReader && outside.write("later\n"))
            #expect(try lines.next() == "later")

            let run = try BackgroundRun(
                fixture.supervisor, try fixture.request(try TestPolicies.shipped("shell"), PerlScript.arguments(Self.script)))
            let inside = Copy(try taker.take())
            // Lets a run go that waits for the copy, so that a failure is a failure and no hang.
            let watch = Task {
                try await Task.sleep(for: .seconds(20))
                inside.drop()
            }
            let report = await run.report()
            watch.cancel()
            #expect(!inside.hasReader)
            #expect(inside.drop(), "the run waited until the copy was closed")
            #expect(report.outcome == .exited(code: 0), "\(report.outcome) \(report.errorOutput)")
            #expect(report.output == "given away\n")
        }
    }

    /// A reader of the caller's that takes nothing is waited for, but not past a cancellation.
    @Test(.timeLimit(.minutes(1))) func `a cancelled run does not wait for a reader that takes nothing`() async throws {
        try await SandboxFixture.with { fixture in
            var pipe = try Pipe.make()
            let reading = pipe.takeFirst()
            let writing = pipe.takeSecond()
            let request = try fixture.request(
                try TestPolicies.shipped("workspace"), [Products.probe, "flood-stdout", "200000"],
                output: .forward(stdout: writing.rawValue, stderr: writing.rawValue, sanitizeStdout: false, sanitizeStderr: false))
            let run = try BackgroundRun(fixture.supervisor, request)
            // The pipe is full as soon as something of it can be read and the tool's next piece does not fit.
            #expect(try Polling.wait(reading.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000))
            run.cancellation.cancel()
            let report = await run.report()
            #expect(report.outcome == .cancelled || report.outcome == .exited(code: 0))
        }
    }
}
