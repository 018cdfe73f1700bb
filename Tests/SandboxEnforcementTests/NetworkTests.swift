import LinuxPrimitives
import SandboxLauncher
import SandboxTestSupport
import TestSupport
import Testing

/// Nothing inside reaches a listener of the host; each way is first shown to reach it from outside.
@Suite(.serialized) struct NetworkTests {
    /// Kernel edges: every one of these passes Landlock's TCP rules, or is passed by them.
    @Test(.timeLimit(.minutes(1)), arguments: ["workspace", "build"])
    func `no internet socket reaches the host`(policyName: String) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped(policyName)
            let tcp = try Listener(.tcp)
            let udp = try Listener(.udp)
            let ways: [(listener: Listener, action: [String])] = [
                (tcp, ["tcp", "127.0.0.1", "\(tcp.port)"]),
                (tcp, ["tcp-mptcp", "\(tcp.port)"]),
                (tcp, ["tfo-sendto", "\(tcp.port)"]),
                (tcp, ["tfo-sendmsg", "\(tcp.port)"]),
                (tcp, ["tfo-sendmmsg", "\(tcp.port)"]),
                (udp, ["udp", "\(udp.port)"]),
            ]
            for (listener, action) in ways {
                let outside = try BareProcess.run([Products.probe] + action).answer
                #expect(outside.isOK, "\(action): \(outside)")
                #expect(listener.hits() == 1, "\(action) is able to reach the listener")
                let report = try await fixture.seal(policy, [Products.probe] + action)
                #expect(listener.hits() == 0, "\(action) reached the host")
                // A datagram on a loopback of one's own goes nowhere, but it goes.
                if !(policyName == "build" && action[0] == "udp") { #expect(report.answer.error != nil, "\(action): \(report.answer)") }
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `unix sockets of the host are out of reach`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let path = fixture.scratch.path + "/s"
            let name = "glovebox-test-\(fixture.id)"
            let ways: [(Listener, [String])] = [
                (try Listener(.unix(path: path)), ["unix", path]),
                (try Listener(.abstract(name: name)), ["unix-abstract", name]),
            ]
            for (listener, action) in ways {
                #expect(try BareProcess.run([Products.probe] + action).answer.isOK)
                #expect(listener.hits() == 1)
                let report = try await fixture.seal(policy, [Products.probe] + action)
                #expect(report.answer.error != nil, "\(action): \(report.answer)")
                #expect(listener.hits() == 0)
            }
        }
    }

    /// Families that lead out of a network namespace, to the kernel, or to hardware. What the host's kernel lacks or keeps for
    /// root is refused outside too; inside all of them are, and recorded.
    @Test(.timeLimit(.minutes(1)), arguments: ["workspace", "build"])
    func `other socket families are refused`(policyName: String) async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped(policyName)
            let everybody = [["netlink", "raw", "0"], ["vsock", "stream"]]
            let rootAlone = [["packet", "raw", "768"], ["inet", "raw", "1"], ["xdp", "raw"]]
            let anyhow = [
                ["alg", "seqpacket"], ["bluetooth", "raw"], ["can", "raw", "1"], ["tipc", "seqpacket"], ["inet", "stream", "262"],
                ["inet6", "stream", "262"], ["inet", "stream", "132"], ["unix", "dgram"],
            ]
            for family in everybody { #expect(try BareProcess.run([Products.probe, "socket"] + family).answer.isOK, "\(family)") }
            for family in rootAlone {
                let outside = try BareProcess.run([Products.probe, "socket"] + family).answer
                #expect(outside.isOK == KernelFacts.isRoot, "\(family): \(outside)")
            }
            for family in everybody + rootAlone + anyhow where family != ["unix", "dgram"] {
                let report = try await fixture.seal(policy, [Products.probe, "socket"] + family)
                #expect(report.answer.error == "EPERM", "\(family): \(report.answer)")
                let violation = try #require(report.violation(of: "socket"), "\(family)")
                #expect(violation.layer == "seccomp")
                #expect(violation.arguments.contains("AF_"))
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a loopback of its own carries TCP and UDP`() async throws {
        try await SandboxFixture.with { fixture in
            // Server and client in one tool: the server's port is chosen by the kernel, the client is a child.
            let script = """
                use Socket;
                for my $type (SOCK_STREAM, SOCK_DGRAM) {
                    socket(my $server, PF_INET, $type, 0) or die "socket: $!";
                    bind($server, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
                    my ($port) = sockaddr_in(getsockname($server));
                    listen($server, 1) if $type == SOCK_STREAM;
                    my $child = fork();
                    if (!$child) {
                        socket(my $client, PF_INET, $type, 0) or die;
                        connect($client, sockaddr_in($port, INADDR_LOOPBACK)) or die "connect: $!";
                        send($client, "hello", 0) or die "send: $!"; exit 0;
                    }
                    my $text = "";
                    if ($type == SOCK_STREAM) { accept(my $peer, $server) or die;
                    sysread($peer, $text, 5) } else { recv($server, $text, 5, 0) }
                    waitpid($child, 0);
                    print "$text ", $? >> 8, "\\n";
                }
                """
            let outside = try fixture.perlOutside(script)
            #expect(outside.output == "hello 0\nhello 0\n")
            let inside = try await fixture.perl(try TestPolicies.inline(["allow: \"network:loopback\", rights: [connect]"]), script)
            #expect(inside.output == "hello 0\nhello 0\n", "\(inside.outcome) \(inside.errorOutput)")
            let none = try await fixture.perl(try TestPolicies.shipped("runtime"), script)
            #expect(none.output == "")
            #expect(none.errorOutput.contains("socket:"))
        }
    }
}
