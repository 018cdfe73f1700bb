import Glibc
import LinuxPrimitives
import SandboxTestSupport
import TestSupport
import Testing

/// Whom a server serves, and what happens when one of the two goes away.
@Suite("glovebox serve: clients that may gain, ends of both", .serialized)
struct ServeRefusalTests {
    struct Confined: Sendable, CustomTestStringConvertible {
        var name: String
        /// Put before the program.
        var prefix: String
        var reason: String
        /// What is seen first where unsharing gives capabilities that the server does not have.
        var orReason: String?
        var needsRoot = false
        var testDescription: String { name }
    }

    static let confined = [
        Confined(name: "no_new_privs", prefix: "setpriv --no-new-privs", reason: "NoNewPrivs"),
        Confined(name: "a user namespace", prefix: "unshare --user --map-current-user", reason: "user namespace", orReason: "its Cap"),
        Confined(name: "a network namespace", prefix: "unshare --net", reason: "net namespace", needsRoot: true),
        Confined(name: "a mount namespace", prefix: "unshare --mount", reason: "mnt namespace", needsRoot: true),
        Confined(name: "a uts namespace", prefix: "unshare --uts", reason: "uts namespace", needsRoot: true),
        Confined(name: "fewer capabilities", prefix: "setpriv --bounding-set -sys_admin", reason: "Cap", needsRoot: true),
        Confined(name: "another group", prefix: "setpriv --groups 4242", reason: "Groups", needsRoot: true),
        Confined(
            name: "a system call filter",
            prefix: "perl -e '$f = pack(\"SCCL\", 6, 0, 0, 0x7fff0000); $p = pack(\"Sx6P\", 1, $f); "
                + "syscall(157, 22, 2, $p) == 0 or die $!; exec @ARGV'", reason: "Seccomp", needsRoot: true),
        Confined(name: "a lower limit", prefix: "sh -c 'ulimit -n 256; exec \"$@\"' -", reason: "Max open files"),
        Confined(name: "a lower priority", prefix: "nice -n 3", reason: "nice value"),
        Confined(name: "one processor", prefix: "taskset 1", reason: "Cpus_allowed"),
    ]

    /// It gets what it would have got without a server: its own right, and nothing more.
    @Test(.timeLimit(.minutes(3)))
    func `a confined client is left to itself`() throws {
        try ServeFixture.with { fixture in
            let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
            for item in Self.confined where geteuid() == 0 || !item.needsRoot {
                if item.prefix.hasPrefix("taskset"), processors < 2 { continue }
                let alone = try fixture.shell("\(item.prefix) $GLOVEBOX run -- echo ran", served: false)
                let before = try fixture.counts()
                let ended = try fixture.shell("\(item.prefix) $GLOVEBOX run -- echo ran")
                let after = try fixture.counts()
                #expect(after.served == before.served, "\(item.name)")
                #expect(after.declined == before.declined + 1, "\(item.name): \(ended.errorOutput)")
                let isNamed = [item.reason, item.orReason].contains { reason in reason.map { after.reason?.contains($0) == true } ?? false }
                #expect(isNamed, "\(item.name): \(after.reason ?? "")")
                #expect(ended.code == alone.code, "\(item.name)")
                #expect(ended.output == alone.output, "\(item.name)")
            }
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            #expect(try fixture.counts().served == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: geteuid() == 0))
    func `another user gets nothing`() throws {
        try ServeFixture.with { fixture in
            let client = "setpriv --reuid 65534 --regid 65534 --clear-groups"
            // The directory keeps it out.
            let outside = try fixture.shell("\(client) $GLOVEBOX pool --socket \(fixture.socket)")
            #expect(outside.code == 125, "\(outside.errorOutput)")
            // Where somebody opened it, the client does not trust what it finds there, and the server asks who is there.
            chmod(fixture.scratch.path + "/server", 0o755)
            chmod(fixture.socket, 0o666)
            let distrusts = try fixture.shell("\(client) $GLOVEBOX pool --socket \(fixture.socket)")
            #expect(distrusts.code == 125)
            #expect(
                distrusts.errorOutput.contains("another user") || distrusts.errorOutput.contains("cannot be"), "\(distrusts.errorOutput)")
            let raw = try fixture.shell("\(client) \(Self.rawClient(fixture.socket, sends: "GBXS"))")
            #expect(raw.output == "it is another user's", "\(raw.errorOutput)")
            chmod(fixture.scratch.path + "/server", 0o700)
            #expect(try fixture.counts().served == 0)
        }
    }

    /// A tool of an ordinary user is that user on the host. Where its workspace holds the socket's directory it could listen there.
    @Test(.timeLimit(.minutes(2)))
    func `who listens under confinement is given nothing`() throws {
        try ServeFixture.with { fixture in
            try fixture.end(SIGTERM)
            let listener = """
                use Socket; umask(0177); unlink("\(fixture.socket)");
                socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; bind($s, pack_sockaddr_un("\(fixture.socket)")) or die $!;
                listen($s, 8) or die; print STDERR "listens\\n";
                accept(my $c, $s) or die; recv($c, my $b, 200000, 0); print STDERR "got ", length($b), "\\n";
                """
            try HostFile.write(fixture.workspace + "/listen.pl", listener)
            func script(_ prefix: String) -> String {
                """
                \(prefix) perl listen.pl 2>said & listener=$!
                until grep -q listens said; do kill -0 $listener || exit 9; done
                $GLOVEBOX run -- echo ran; kill $listener; wait $listener; cat said
                """
            }
            let free = try fixture.shell(script(""))
            #expect(free.output.hasPrefix("ran\nlistens\ngot "), "\(free.output) \(free.errorOutput)")
            let confined = try fixture.shell(script("setpriv --no-new-privs"))
            // It may have seen somebody come, and go.
            #expect(["ran\nlistens\n", "ran\nlistens\ngot 0\n"].contains(confined.output), "\(confined.output) \(confined.errorOutput)")
        }
    }

    /// A server that leaves without reading shows as a reset first, once, and then come its words.
    private static func rawClient(_ socket: String, sends text: String) -> String {
        "perl -MSocket -e '$SIG{PIPE} = \"IGNORE\"; socket(S, AF_UNIX, SOCK_SEQPACKET, 0) or die; connect(S, pack_sockaddr_un(\"\(socket)\")) or die $!; "
            + "send(S, \"\(text)\", 0); defined recv(S, $b, 4096, 0) or recv(S, $b, 4096, 0); print substr($b, 8)'"
    }

    /// Nonsense, silence and descriptors that nobody asked for cost the server nothing that stays.
    @Test(.timeLimit(.minutes(2)))
    func `a flood of nonsense passes`() throws {
        try ServeFixture.with { fixture in
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            let before = try HostFile.names("/proc/\(fixture.server)/fd").count
            let script = """
                srand(7);
                for my $i (1..300) {
                  socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
                  connect($s, pack_sockaddr_un("\(fixture.socket)")) or next;
                  my $n = int(rand(4));
                  send($s, join("", map { chr(int(rand(256))) } 1..1 + int(rand(400))), 0) for 1..$n;
                  send($s, "GBXS" . "\\x01\\x00\\x01\\x00" . ("\\x00" x int(rand(200))), 0) if $i % 5 == 0;
                  send($s, "x" x 150000, 0) if $i % 17 == 0;
                  push @kept, $s if $i % 50 == 0;
                }
                """
            try HostFile.write(fixture.workspace + "/flood.pl", "use Socket;\n" + script)
            let flood = try fixture.shell("perl flood.pl")
            #expect(flood.code == 0, "\(flood.errorOutput)")
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            #expect(try fixture.counts().declined > 0)
            var after = 0
            for _ in 0..<2_000 {
                after = try HostFile.names("/proc/\(fixture.server)/fd").count
                if after <= before { break }
                usleep(1_000)
            }
            // A sandbox that waits holds descriptors too: as many as before, and those of the two that may have been built since.
            #expect(after <= before + 16)
        }
    }

    // MARK: - The end of one side

    /// A client whose tool says that it runs, in a group of its own.
    private func whileRunning(
        _ fixture: ServeFixture, _ body: (_ client: Int32, _ tool: ProcessTable.Entry) throws -> Void
    ) throws -> (status: Int32, errors: String) {
        var pipe = try Pipe.make()
        let writing = pipe.takeSecond()
        var lines = LineReader(pipe.takeFirst())
        var errorPipe = try Pipe.make()
        let errorWriting = errorPipe.takeSecond()
        var errors = LineReader(errorPipe.takeFirst())
        let marker = "marker-\(getpid())-\(MonotonicClock.now())"
        let client = try BareProcess.spawn(
            [Products.glovebox, "run", "--", "/bin/sh", "-c", "echo ready; sleep 1000; :", marker], environment: fixture.environment(),
            workingDirectory: fixture.workspace, output: writing.rawValue, error: errorWriting.rawValue)
        writing.close()
        errorWriting.close()
        do {
            let first = try lines.next()
            guard first == "ready" else { throw ServeFixture.NotServing(said: first) }
            let tools = try ProcessTable.running(marker).filter { $0.pid != client && $0.name == "sh" }
            guard let tool = tools.first else { throw ServeFixture.NotServing(said: "no tool") }
            try body(client, tool)
            let handle = try ProcessHandle(pid: client)
            _ = try Polling.wait(handle.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000)
            var said = ""
            while let line = try errors.next() { said += line + "\n" }
            return (try BareProcess.end(client), said)
        } catch {
            _ = try? BareProcess.end(client)
            throw error
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a killed client's tool dies`() throws {
        try ServeFixture.with { fixture in
            let ended = try whileRunning(fixture) { client, tool in
                kill(client, SIGKILL)
                let hasEnded = try ProcessTable.hasEnded(tool)
                #expect(hasEnded)
            }
            #expect(ended.status & 0x7F == SIGKILL)
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a client that is asked to stop ends its tool first`(_ signal: Int32) throws {
        try ServeFixture.with { fixture in
            var entry: ProcessTable.Entry?
            let ended = try whileRunning(fixture) { client, tool in
                entry = tool
                kill(client, signal)
            }
            #expect(ended.status >> 8 & 0xFF == 128 + signal)
            #expect(ended.errors == "glovebox: cancelled; the tool and everything it started are dead\n")
            let tool = try #require(entry)
            #expect(try ProcessTable.entry(tool.pid)?.startTime != tool.startTime)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a client that is stopped and continued goes on`() throws {
        try ServeFixture.with { fixture in
            let ended = try whileRunning(fixture) { client, tool in
                kill(client, SIGSTOP)
                kill(tool.pid, SIGKILL)
                kill(client, SIGCONT)
            }
            #expect(ended.status >> 8 & 0xFF == 137)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `when the server dies the client says so, and runs nothing again`() throws {
        try ServeFixture.with { fixture in
            let ended = try whileRunning(fixture) { _, tool in
                try fixture.end(SIGKILL)
                #expect(try ProcessTable.hasEnded(tool))
            }
            #expect(ended.status >> 8 & 0xFF == 125)
            #expect(ended.errors.contains("the server ended, or was lost, while the tool ran"), "\(ended.errors)")
            #expect(ended.errors.split(separator: "\n").count == 1)
            // A dead server's socket is nobody's: runs go without, and the next server takes the place.
            #expect(HostFile.exists(fixture.socket))
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            try fixture.start()
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            #expect(try fixture.counts().served == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a server that is asked to end kills what it runs and tells its clients`() throws {
        try ServeFixture.with { fixture in
            var status: Int32 = -1
            let ended = try whileRunning(fixture) { _, tool in
                status = try fixture.end(SIGTERM)
                #expect(try ProcessTable.hasEnded(tool))
            }
            #expect(status == 0)
            #expect(ended.status >> 8 & 0xFF == 137)
            #expect(ended.errors.contains("the server was told to end"), "\(ended.errors)")
            #expect(!HostFile.exists(fixture.socket))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a second server is refused`() throws {
        try ServeFixture.with { fixture in
            let second = try fixture.glovebox(["serve", "--socket", fixture.socket])
            #expect(second.code == 125)
            #expect(second.errorOutput.contains("another server runs at \(fixture.socket)"), "\(second.errorOutput)")
            #expect(try fixture.shell("$GLOVEBOX run -- echo ran").output == "ran\n")
            #expect(try fixture.counts().served == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a server that could not tell its clients apart does not start`() throws {
        try ServeFixture.with { fixture in
            let ended = try fixture.shell("setpriv --no-new-privs $GLOVEBOX serve --socket \(fixture.scratch.path)/other/s.sock")
            #expect(ended.code == 125)
            #expect(ended.errorOutput.contains("no_new_privs"), "\(ended.errorOutput)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a socket that systemd passes is served, and stays`() throws {
        try ServeFixture.with { fixture in
            try fixture.end(SIGTERM)
            // What systemd does: the socket as 3, and the variables about it.
            let script = """
                use Socket; use POSIX ();
                POSIX::close(3); socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; umask(0177);
                bind($s, pack_sockaddr_un("\(fixture.socket)")) or die $!; listen($s, 8) or die;
                POSIX::dup2(fileno($s), 3) >= 0 or die unless fileno($s) == 3;
                $^F = 9; $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
                exec($ENV{GLOVEBOX}, "serve", "--after", "1") or die;
                """
            try HostFile.write(fixture.workspace + "/activate.pl", "BEGIN { $^F = 9 }\n" + script)
            let ended = try fixture.shell(
                """
                perl activate.pl 2>said & server=$!
                until grep -q 'serving at' said; do kill -0 $server || exit 9; done
                $GLOVEBOX run -- echo ran; $GLOVEBOX pool --socket $GLOVEBOX_SERVER | grep '^runs'
                kill $server; wait $server; echo $?; test -S $GLOVEBOX_SERVER && echo there
                """)
            #expect(ended.output.hasPrefix("ran\nruns      0 in sandboxes that stood ready, 1 in"), "\(ended.output) \(ended.errorOutput)")
            #expect(ended.output.hasSuffix("0\nthere\n"), "\(ended.output)")
        }
    }
}
