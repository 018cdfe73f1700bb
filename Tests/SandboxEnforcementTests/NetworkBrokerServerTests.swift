import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Servers inside, and the sockets that stay inside while the network is brokered.
@Suite(.serialized) struct NetworkBrokerServerTests {
    /// Starts a Python program whose first line is `ready`, asks it from outside, and gives answer and report.
    private func ask(_ fixture: SandboxFixture, _ policy: ResolvedPolicy, _ script: String, port: UInt16, _ text: String) async throws -> (
        String, RunReport
    ) {
        let file = try fixture.file("server.py", "import socket, http.server, socketserver\n" + script)
        let granted = try policy.adding(PolicyOverrides(allow: ["filesystem:workspace:*=read"]))
        return try await fixture.whileRunning(granted, script: "/usr/bin/python3 -I \(file)") { _ in try BrokerHost.ask(port, text) }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["0.0.0.0", "127.0.0.1", "10.1.2.3", ""])
    func `a server at a granted port is reached from the host`(bound: String) async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let script = """
                s = socket.socket(); s.bind(("\(bound)", \(port))); s.listen(); print("ready", flush=True)
                c, peer = s.accept(); c.sendall(c.makefile().readline().upper().encode()); c.close()
                print(s.getsockname(), peer[0])
                """
            let (answer, report) = try await ask(
                fixture, try NetworkBrokerTests.policy(["network:listen:\(port)"]), script, port: port, "hello\n")
            #expect(answer == "HELLO\n", "\(report.outcome) \(report.errorOutput)")
            #expect(report.outcome == .exited(code: 0))
            #expect(report.entry("network-namespace")?.detail.contains("\(port)") == true)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `http.server`() async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let script = """
                class Handler(http.server.BaseHTTPRequestHandler):
                    def do_GET(self):
                        self.send_response(200); self.end_headers(); self.wfile.write(b"inside " + self.path.encode())
                class Server(socketserver.ThreadingMixIn, http.server.HTTPServer): pass
                server = Server(("0.0.0.0", \(port)), Handler); print("ready", flush=True); server.handle_request(); server.server_close()
                """
            let (answer, report) = try await ask(
                fixture, try NetworkBrokerTests.policy(["network:listen:\(port)"]), script, port: port, "GET /x HTTP/1.0\r\n\r\n")
            #expect(answer.contains("200 OK") && answer.hasSuffix("inside /x"), "\(answer) \(report.outcome) \(report.errorOutput)")
        }
    }

    /// Both families at once is what servers ask for by default: IPv4's loopback is the one that everybody tries.
    @Test(.timeLimit(.minutes(1))) func `a server on every address of IPv6`() async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let script = """
                s = socket.create_server(("", \(port)), family=socket.AF_INET6, dualstack_ipv6=True); print("ready", flush=True)
                c, peer = s.accept(); c.makefile().readline(); c.sendall(b"six"); c.close()
                """
            let (answer, report) = try await ask(
                fixture, try NetworkBrokerTests.policy(["network:listen:\(port)"]), script, port: port, "\n")
            #expect(answer == "six", "\(report.outcome) \(report.errorOutput)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `other ports and other addresses are not served`() async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let taken = try Listener(.tcp)
            let script = """
                s = socket.socket(); s.bind(("0.0.0.0", \(port))); say(s.getsockname()[0])
                attempt("again", lambda: s.bind(("127.0.0.1", \(port))))
                attempt("chosen", lambda: socket.socket().bind(("127.0.0.1", 0)))
                attempt("other", lambda: socket.socket().bind(("127.0.0.1", \(port - 1))))
                attempt("taken", lambda: socket.socket().bind(("127.0.0.1", \(taken.port))))
                s.listen(); s.shutdown(socket.SHUT_RD); s.listen(); say(*s.getsockname())
                """
            let report = try await fixture.seal(
                try NetworkBrokerTests.policy(["network:listen:\(port)", "network:listen:\(taken.port)"]), NetworkBrokerTests.python(script)
            )
            let expected = """
                127.0.0.1
                again EINVAL
                chosen EACCES
                other EACCES
                taken EADDRINUSE
                127.0.0.1 \(port)

                """
            #expect(report.output == expected, "\(report.outcome) \(report.errorOutput)")
            let violation = try #require(report.violations.first { $0.arguments == "127.0.0.1:\(port - 1)" })
            #expect(violation.allowedBy == "capabilities: [{allow: \"network:listen:\(port - 1)\", rights: [listen]}]")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `its own loopback works beside the broker`() async throws {
        try await SandboxFixture.with { fixture in
            let port = try BrokerHost.freePort()
            let host = try Listener(.tcp)
            let script = """
                server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(); place = server.getsockname()
                def answer():
                    c, _ = server.accept(); c.sendall(c.recv(9).upper()); c.close()
                threading.Thread(target=answer).start()
                s = socket.create_connection(place); s.sendall(b"inside"); say(s.recv(9).decode())
                n = socket.socket(); n.setblocking(False); say(n.connect_ex(place) in (0, errno.EINPROGRESS))
                a = socket.socket(type=socket.SOCK_DGRAM); a.bind(("127.0.0.1", 0)); b = socket.socket(type=socket.SOCK_DGRAM)
                b.connect(a.getsockname()); b.send(b"datagram"); say(a.recv(9).decode())
                say("forget", libc.connect(b.fileno(), bytes(16), 16))
                attempt("host", lambda: socket.create_connection(("127.0.0.1", \(host.port))))
                attempt("away", lambda: socket.create_connection(("192.0.2.1", 80)))
                """
            let report = try await fixture.seal(
                try NetworkBrokerTests.policy(["network:loopback", "network:tcp:198.51.100.1:\(port)"]), NetworkBrokerTests.python(script))
            #expect(
                report.output == "INSIDE\nTrue\ndatagram\nforget 0\nhost ECONNREFUSED\naway EACCES\n",
                "\(report.outcome) \(report.errorOutput)")
            #expect(host.hits() == 0)
        }
    }

    // MARK: - Unix sockets

    @Test(.timeLimit(.minutes(1))) func `unix sockets go on working`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                os.chdir("/tmp"); os.umask(0o027)
                for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
                    server = socket.socket(socket.AF_UNIX, kind); server.bind("s"); server.listen(1); say(oct(os.stat("s").st_mode))
                    attempt("again", lambda: socket.socket(socket.AF_UNIX, kind).bind("/tmp/s"))
                    os.symlink("/tmp/s", "link")
                    client = socket.socket(socket.AF_UNIX, kind); client.connect("/tmp/../tmp/link"); peer, _ = server.accept()
                    pid, uid, gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)); say(uid == os.getuid(), gid == os.getgid())
                    client.sendall(b"text"); say(peer.recv(9).decode())
                    waiting = [socket.socket(socket.AF_UNIX, kind) for _ in range(4)]
                    for w in waiting[:2]: w.connect("s")
                    waiting[2].setblocking(False); attempt("full", lambda: waiting[2].connect("s"))
                    thread = threading.Thread(target=lambda: waiting[3].connect("s")); thread.start()
                    server.accept(); thread.join(); waiting[3].sendall(b"x"); say("waited")
                    os.unlink("s"); os.unlink("link"); server.close()
                attempt("datagram", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
                c = socket.socket(socket.AF_UNIX); attempt("none", lambda: c.connect("missing")); open("f", "w").close()
                attempt("file", lambda: c.connect("f")); attempt("denied", lambda: c.bind("/usr/s")); attempt("abstract", lambda: c.bind("\\0name"))
                attempt("abstract", lambda: c.connect("\\0name"))
                """
            let kind = "0o140750\nagain EADDRINUSE\nTrue True\ntext\nfull EAGAIN\nwaited\n"
            let report = try await fixture.seal(
                try NetworkBrokerTests.policy(["network:tcp:127.0.0.1:1"]), NetworkBrokerTests.python(script))
            let expected = kind + kind + "datagram EPERM\nnone ENOENT\nfile ECONNREFUSED\ndenied EACCES\nabstract EPERM\nabstract EPERM\n"
            #expect(report.output == expected, "\(report.outcome) \(report.errorOutput)")
        }
    }

    /// A socket of the host: by its grant, for writing, and never as root.
    @Test(.timeLimit(.minutes(1))) func `a unix socket of the host needs the right to write`() async throws {
        try await SandboxFixture.with { fixture in
            let path = fixture.scratch.path + "/s"
            let listener = try Listener(.unix(path: path))
            let rules = ["allow: \"network:tcp:127.0.0.1:1\", rights: [connect]"]
            let readable = try TestPolicies.inline(rules + ["allow: \"filesystem:host:\(path)\", rights: [read]"])
            let refused = try await fixture.probe(readable, "unix", path)
            #expect(refused.answer.error == "EACCES", "\(refused.answer)")
            #expect(listener.hits() == 0)
            let writable = try TestPolicies.inline(rules + ["allow: \"filesystem:host:\(path)\", rights: [read, write]"])
            let reached = try await fixture.probe(writable, "unix", path)
            #expect(reached.answer.isOK, "\(reached.answer)")
            #expect(listener.hits() == 1)
        }
    }
}
