import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Granted endpoints are reached through the supervisor, and nothing else is.
@Suite(.serialized) struct NetworkBrokerTests {
    static func python(_ script: String) -> [String] { ["/usr/bin/python3", "-I", "-c", prelude + script] }

    private static let prelude = """
        import ctypes, errno, fcntl, os, socket, struct, sys, threading
        libc = ctypes.CDLL(None, use_errno=True)
        def say(*words): print(*words, flush=True)
        def attempt(label, call):
            try:
                call(); say(label, "ok")
            except OSError as error: say(label, errno.errorcode.get(error.errno, error.errno))

        """

    static func policy(_ rules: [String], limits: [LimitName: UInt64] = [:]) throws -> ResolvedPolicy {
        try TestPolicies.inline(
            rules.map { rule in
                let right = rule.hasPrefix("network:listen") ? "listen" : "connect"
                return "allow: \"\(rule)\", rights: [\(right)]"
            }, limits: limits)
    }

    @Test(.timeLimit(.minutes(1))) func `a granted port is reached and another is not`() async throws {
        try await SandboxFixture.with { fixture in
            let listener = try Listener(.tcp, backlog: 16)
            let port = listener.port
            let other = try Listener(.tcp)
            #expect(try fixture.outside("tcp", "127.0.0.1", "\(other.port)").isOK)
            #expect(other.hits() == 1)
            let policy = try Self.policy(["network:tcp:127.0.0.1:\(port)"])
            let script = """
                s = socket.create_connection(("127.0.0.1", \(port))); s.sendall(b"hello\\n"); say(s.makefile().read(), s.getpeername()[1])
                n = socket.socket(); n.setblocking(False); n.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); os.set_inheritable(n.fileno(), True)
                say(n.connect_ex(("127.0.0.1", \(port))), n.fileno())
                flags = fcntl.fcntl(n, fcntl.F_GETFL); say(bool(flags & os.O_NONBLOCK), os.get_inheritable(n.fileno()), n.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
                n.setblocking(True); n.sendall(b"again\\n"); say(n.makefile().read())
                p = socket.socket(); p.connect(("0.0.0.0", \(port))); say(bool(fcntl.fcntl(p, fcntl.F_GETFL) & os.O_NONBLOCK), os.get_inheritable(p.fileno()))
                p.sendall(b"third\\n"); say(p.makefile().read())
                attempt("other", lambda: socket.create_connection(("127.0.0.1", \(other.port))))
                attempt("elsewhere", lambda: socket.create_connection(("127.0.0.2", \(port))))
                """
            async let served: Void = Task.detached { try BrokerHost.serve(listener, count: 3) }.value
            let report = try await fixture.seal(policy, Self.python(script))
            try await served
            let lines = report.output.split(separator: "\n").map(String.init)
            #expect(report.outcome == .exited(code: 0), "\(report.outcome) \(report.errorOutput)")
            try #require(lines.count == 8, "\(report.output) \(report.errorOutput)")
            #expect(lines[0] == "HELLO \(port)")
            #expect(lines[1].hasPrefix("0 "))
            #expect(lines[2...] == ["True True True", "AGAIN", "False False", "THIRD", "other EACCES", "elsewhere EACCES"])
            #expect(other.hits() == 0)
            let violation = try #require(report.violations.first { $0.arguments == "127.0.0.1:\(other.port)" })
            #expect(violation.layer == "network" && violation.syscall == "connect" && violation.answer == "EACCES")
            #expect(violation.allowedBy == "capabilities: [{allow: \"network:tcp:127.0.0.1:\(other.port)\", rights: [connect]}]")
            #expect(report.entry("network-namespace")?.detail.contains("127.0.0.1:\(port)") == true)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `localhost and IPv6 sockets`() async throws {
        try await SandboxFixture.with { fixture in
            let listener = try Listener(.tcp, backlog: 16)
            let port = listener.port
            let script = """
                s = socket.create_connection(("localhost", \(port))); s.sendall(b"name\\n"); say(s.makefile().read())
                six = socket.socket(socket.AF_INET6); six.connect(("::ffff:127.0.0.1", \(port))); six.sendall(b"mapped\\n"); say(six.makefile().read(), six.getpeername()[0])
                """
            async let served: Void = Task.detached { try BrokerHost.serve(listener, count: 2) }.value
            let report = try await fixture.seal(try Self.policy(["network:tcp:localhost:\(port)"]), Self.python(script))
            try await served
            #expect(report.output == "NAME\nMAPPED ::ffff:127.0.0.1\n", "\(report.outcome) \(report.errorOutput)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `errors of the real connection are the tool's`() async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let script = """
                attempt("refused", lambda: socket.create_connection(("127.0.0.1", \(port))))
                s = socket.socket(); s.setblocking(False); attempt("refused", lambda: s.connect(("127.0.0.1", \(port))))
                a = struct.pack("=HH4s8x", 2, socket.htons(\(port)), bytes([127, 0, 0, 1]))
                def raw(label, fd, address, length):
                    say(label, errno.errorcode.get(ctypes.get_errno()) if libc.connect(fd, address, length) < 0 else "ok")
                raw("short", s.fileno(), a, 15); raw("long", s.fileno(), a, 200); raw("negative", s.fileno(), a, -1)
                raw("fault", s.fileno(), None, 16); raw("bad", 999, a, 16); raw("file", 0, a, 16); raw("none", s.fileno(), a, 0)
                raw("family", s.fileno(), struct.pack("=HH4s8x", 10, 1, bytes(4)), 16)
                """
            let report = try await fixture.seal(try Self.policy(["network:tcp:127.0.0.1:\(port)"]), Self.python(script))
            let expected = """
                refused ECONNREFUSED
                refused ECONNREFUSED
                short EINVAL
                long EINVAL
                negative EINVAL
                fault EFAULT
                bad EBADF
                file ENOTSOCK
                none EINVAL
                family EAFNOSUPPORT

                """
            #expect(report.output == expected, "\(report.outcome) \(report.errorOutput)")
            #expect(report.violations == [])
        }
    }

    /// The address is flipped between a granted and another port while the call waits for its answer.
    @Test(.timeLimit(.minutes(1))) func `an address that changes after the call leads nowhere else`() async throws {
        try await SandboxFixture.with { fixture in
            // Queues that hold every attempt.
            let granted = try Listener(.tcp, backlog: 4096)
            let other = try Listener(.tcp, backlog: 4096)
            // Another process, so that it flips while this one waits; and until both were met.
            let script = """
                import mmap, signal, time
                memory = mmap.mmap(-1, 16); address = (ctypes.c_char * 16).from_buffer(memory)
                memory[:] = struct.pack("=HH4s8x", 2, socket.htons(\(granted.port)), bytes([127, 0, 0, 1]))
                ports = [struct.pack(">H", \(granted.port)), struct.pack(">H", \(other.port))]
                child = os.fork()
                while child == 0:
                    for port in ports: memory[2:4] = port
                met = {}
                for _ in range(3000):
                    s = socket.socket()
                    result = libc.connect(s.fileno(), address, 16)
                    word = s.getpeername()[1] if result == 0 else errno.errorcode[ctypes.get_errno()]
                    met[word] = met.get(word, 0) + 1; s.close()
                    if len(met) > 1 and min(met.values()) > 20: break
                os.kill(child, signal.SIGKILL); os.waitpid(child, 0); say(*sorted(map(str, met)))
                """
            let outside = try BareProcess.run(Self.python(script))
            #expect(
                outside.output == "\([granted.port, other.port].map(String.init).sorted().joined(separator: " "))\n",
                "\(outside.errorOutput)")
            #expect(other.hits() > 0, "the flipping works")
            _ = granted.hits()
            let report = try await fixture.seal(try Self.policy(["network:tcp:127.0.0.1:\(granted.port)"]), Self.python(script))
            #expect(report.output == "\(granted.port) EACCES\n", "\(report.outcome) \(report.errorOutput)")
            #expect(other.hits() == 0)
            #expect(granted.hits() > 0)
        }
    }

    /// A socket that was handed over can neither be turned into a listener nor tell of the host's interfaces.
    @Test(.timeLimit(.minutes(1))) func `a connected socket opens nothing else`() async throws {
        try await SandboxFixture.with { fixture in
            let listener = try Listener(.tcp)
            let script = """
                s = socket.create_connection(("127.0.0.1", \(listener.port)))
                def raw(label, result): say(label, errno.errorcode.get(ctypes.get_errno()) if result < 0 else "ok")
                def interfaces(): fcntl.ioctl(s, 0x8912, bytes(16))
                attempt("interfaces", interfaces)
                raw("disconnect", libc.connect(s.fileno(), bytes(16), 16))
                attempt("again", lambda: s.connect(("127.0.0.1", \(listener.port))))
                attempt("bind", lambda: s.bind(("127.0.0.1", 0)))
                attempt("listen", lambda: s.listen())
                s.shutdown(socket.SHUT_RDWR)
                attempt("listen", lambda: s.listen())
                raw("disconnect", libc.connect(s.fileno(), bytes(16), 16))
                attempt("listen", lambda: s.listen())
                """
            let outside = try BareProcess.run(Self.python(script))
            #expect(outside.output.contains("disconnect ok\n") && outside.output.hasSuffix("listen ok\n"), "\(outside.output)")
            let report = try await fixture.seal(try Self.policy(["network:tcp:127.0.0.1:\(listener.port)"]), Self.python(script))
            let expected = """
                interfaces EPERM
                disconnect EACCES
                again EISCONN
                bind EINVAL
                listen EINVAL
                listen EINVAL
                disconnect EACCES
                listen EINVAL

                """
            #expect(report.output == expected, "\(report.outcome) \(report.errorOutput)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what is neither granted nor brokered stays refused`() async throws {
        try await SandboxFixture.with { fixture in
            let tcp = try Listener(.tcp)
            let udp = try Listener(.udp)
            let policy = try Self.policy(["network:tcp:127.0.0.1:\(try BrokerHost.freePort())"])
            let ways: [(listener: Listener, action: [String])] = [
                (tcp, ["tcp", "127.0.0.1", "\(tcp.port)"]), (tcp, ["tcp-mptcp", "\(tcp.port)"]), (tcp, ["tfo-sendto", "\(tcp.port)"]),
                (tcp, ["tfo-sendmsg", "\(tcp.port)"]), (tcp, ["tfo-sendmmsg", "\(tcp.port)"]), (udp, ["udp", "\(udp.port)"]),
            ]
            for (listener, action) in ways {
                #expect(try BareProcess.run([Products.probe] + action).answer.isOK, "\(action)")
                #expect(listener.hits() == 1)
                let report = try await fixture.seal(policy, [Products.probe] + action)
                #expect(report.answer.error != nil, "\(action): \(report.answer)")
                #expect(listener.hits() == 0)
            }
        }
    }

    // MARK: - Waiting

    /// The tool waits in connect: system call 42.
    private static func waitUntilConnecting(_ tool: RunningTool) throws {
        let deadline = MonotonicClock.now() + 30_000_000_000
        while MonotonicClock.now() < deadline {
            for process in try tool.tree where (try? SmallFile.text("/proc/\(process.pid)/syscall"))?.hasPrefix("42 ") == true { return }
            sched_yield()
        }
        throw BrokerHost.Failed(step: "waiting for connect", error: ETIMEDOUT)
    }

    @Test(.timeLimit(.minutes(1))) func `a connection without an answer is cancelled`() async throws {
        try await SandboxFixture.with { fixture in
            let listener = try BrokerHost.full()
            let port = listener.port
            let script = """
                echo ready
                /usr/bin/python3 -I -c 'import socket; socket.create_connection(("127.0.0.1", \(port)))'
                """
            let (_, report) = try await fixture.whileRunning(try Self.policy(["network:tcp:127.0.0.1:\(port)"]), script: script) { tool in
                try Self.waitUntilConnecting(tool)
                tool.cancellation.cancel()
            }
            #expect(report.outcome == .cancelled)
            withExtendedLifetime(listener) {}
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func `the wall clock goes on while a connection is made`(nonBlocking: Bool) async throws {
        try await SandboxFixture.with { fixture in
            let listener = try BrokerHost.full()
            let port = listener.port
            let script = "s = socket.socket(); s.setblocking(\(nonBlocking ? "False" : "True")); s.connect((\"127.0.0.1\", \(port)))"
            let report = try await fixture.seal(
                try Self.policy(["network:tcp:127.0.0.1:\(port)"], limits: [.wall: 1000]), Self.python(script))
            #expect(report.outcome == .timedOut(limitMilliseconds: 1000))
            withExtendedLifetime(listener) {}
        }
    }

    /// The tool's own loopback, a full queue, and a second thread that keeps changing whether the socket blocks.
    @Test(.timeLimit(.minutes(1))) func `the wall clock goes on while a connection inside is made`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0); place = server.getsockname()
                waiting = []
                s = None
                def toggle():
                    while True:
                        if s is not None:
                            try: os.set_blocking(s.fileno(), True)
                            except OSError: pass
                threading.Thread(target=toggle, daemon=True).start()
                for _ in range(8):
                    s = socket.socket(); waiting.append(s); s.connect(place)
                say("all")
                """
            let report = try await fixture.seal(
                try Self.policy(["network:loopback", "network:listen:\(try BrokerHost.freePort())"], limits: [.wall: 2000]),
                Self.python(script))
            #expect(report.outcome == .timedOut(limitMilliseconds: 2000), "\(report.output) \(report.errorOutput)")
        }
    }
}
