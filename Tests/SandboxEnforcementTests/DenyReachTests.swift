import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// A deny holds however the thing is reached: by another PATH, another name, a rule of another kind, or the caller's own words.
@Suite(.serialized) struct DenyReachTests {
    /// A directory of tools outside the workspace, which the policy lets be executed.
    private static func tools(_ fixture: SandboxFixture) throws -> String {
        let tools = fixture.scratch.path + "/tools"
        for directory in [tools, tools + "/deep", tools + "/deep/er"] { try HostFile.makeDirectory(directory) }
        for name in ["deep/er/seven", "other"] { try HostFile.write("\(tools)/\(name)", "#!/bin/sh\nexit 7\n", mode: 0o755) }
        guard link(tools + "/deep/er/seven", tools + "/hard") == 0, symlink("deep/er/seven", tools + "/soft") == 0 else {
            throw SystemError(errno: errno, operation: "link", object: tools)
        }
        return tools
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["shell:seven", "PATH/deep/er/seven"])
    func `a denied program runs by no path and under no other name of its file`(deny: String) async throws {
        try await SandboxFixture.with { fixture in
            let tools = try Self.tools(fixture)
            let rule = deny.hasPrefix("shell") ? deny : "shell:\(tools)/deep/er/seven"
            let open = try TestPolicies.shipped("workspace", allow: ["filesystem:host:\(tools)=read,execute"])
            let closed = try TestPolicies.shipped("workspace", allow: ["filesystem:host:\(tools)=read,execute"], deny: [rule])
            // In one run, since each looks through all that may be executed.
            let names = ["deep/er/seven", "hard", "soft", "deep/../hard", "other"]
            let words = names.map { "\(tools)/\($0)" } + ["PATH=\(tools)/deep/er seven"]
            let script = ["/bin/sh", "-c", words.map { "\($0); printf '%s ' $?\n" }.joined()]
            #expect(try await fixture.seal(open, script).output == "7 7 7 7 7 7 ")
            #expect(try await fixture.seal(closed, script).output == "126 126 126 126 7 127 ")
            let path = ["PATH": "/usr/bin:\(tools)/deep/er"]
            #expect(try await fixture.seal(open, ["seven"], environment: path).outcome == .exited(code: 7))
            #expect(try await fixture.seal(closed, ["seven"], environment: path).outcome != .exited(code: 7))
        }
    }

    /// A file cannot be masked by a path that is no text, and one that is left out of the search would run.
    @Test(.timeLimit(.minutes(1))) func `a denied program under a name that is no text stops the launch`() async throws {
        try await SandboxFixture.with { fixture in
            let tools = try Self.tools(fixture)
            let odd: [CChar] = Array("\(tools)/".utf8CString.dropLast()) + [-1, 0]
            let program: [CChar] = odd.dropLast() + Array("/seven".utf8CString)
            try #require(mkdir(odd, 0o755) == 0 && link(tools + "/other", program) == 0)
            fixture.atEnd {
                unlink(program)
                rmdir(odd)
            }
            let policy = try TestPolicies.shipped("workspace", allow: ["filesystem:host:\(tools)=read,execute"], deny: ["shell:seven"])
            guard case .setupFailed("plan", _, let message) = try await fixture.seal(policy, [tools + "/other"]).outcome else {
                Issue.record("the run was started")
                return
            }
            #expect(message.contains("not UTF-8"))
        }
    }

    /// What this user may not look at is no reason to refuse a run that does not touch it.
    @Test(.timeLimit(.minutes(1))) func `a deny outside of every grant costs nothing`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped(
                "workspace", deny: ["filesystem:host:/root/.ssh/id_ed25519", "filesystem:host:/absent/x", "filesystem:host:/tmp/x"])
            // The sandbox's own /tmp is not the host's.
            #expect(try await fixture.seal(policy, ["/bin/sh", "-c", "echo 1 > /tmp/x"]).outcome == .exited(code: 0))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a program that is granted as one file is denied too`() async throws {
        try await SandboxFixture.with { fixture in
            let tools = try Self.tools(fixture)
            let allow = ["filesystem:host:\(tools)/hard=read,execute"]
            let open = try TestPolicies.shipped("workspace", allow: allow)
            #expect(try await fixture.seal(open, [tools + "/hard"]).outcome == .exited(code: 7))
            let closed = try TestPolicies.shipped("workspace", allow: allow, deny: ["shell:hard"])
            #expect(try await fixture.seal(closed, [tools + "/hard"]).outcome != .exited(code: 7))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what is denied in a workspace stays denied below a grant of the host`() async throws {
        try await SandboxFixture.with { fixture in
            let secret = try fixture.file(".env", "canary")
            let readme = try fixture.file("README", "text")
            let policy = try TestPolicies.shipped("guarded", allow: ["filesystem:host:\(fixture.workspace)=read,write"])
            func read(_ path: String, denialsAt place: String?) async throws -> ProbeAnswer {
                let confinement = try policy.confinement(workspace: nil, workspaceWritable: true, denialsAt: place)
                let request = RunRequest(
                    arguments: [Products.probe, "read", path], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
                    environment: Products.environment)
                return await fixture.supervisor.run(request).answer
            }
            #expect(try await read(secret, denialsAt: nil) == .ok("canary"))
            #expect(try await read(secret, denialsAt: fixture.workspace).error == "EACCES")
            // One supervisor, the same policy, another directory.
            #expect(try await read(secret, denialsAt: fixture.scratch.path) == .ok("canary"))
            #expect(try await read(secret, denialsAt: fixture.workspace).error == "EACCES")
            #expect(try await read(readme, denialsAt: fixture.workspace) == .ok("text"))
        }
    }

    /// `/bin` is a link into `/usr` on merged systems: what is denied there under one name is denied under the other.
    @Test(.timeLimit(.minutes(1))) func `a link of the host leads around no deny`() async throws {
        try await SandboxFixture.with { fixture in
            try #require(try PathResolution.canonicalPath("/bin") == "/usr/bin", "this host keeps /bin apart")
            let rules = ["/bin", "/lib", "/lib64"].map { "allow: 'filesystem:host:\($0)', rights: [read, execute], optional: true" }
            func policy(_ extra: [String]) throws -> ResolvedPolicy {
                let text = "version: 1\nname: links\ncapabilities:\n" + (rules + extra).map { "  - {\($0)}\n" }.joined()
                return try PolicyLoader.load(Array(text.utf8), fileName: "links.yaml") { _ in
                    throw SystemError(errno: ENOENT, operation: "parent")
                }
            }
            let open = try policy([])
            #expect(try await fixture.seal(open, ["/bin/true"]).outcome == .exited(code: 0))
            let closed = try policy(["deny: 'filesystem:host:/usr/bin/true', because: x"])
            #expect(try await fixture.seal(closed, ["/bin/true"]).outcome != .exited(code: 0))
            #expect(try await fixture.seal(closed, ["/bin/echo"]).outcome == .exited(code: 0))
        }
    }

    /// What counts is the address that is reached, not the name that was allowed.
    @Test(.timeLimit(.minutes(1))) func `a denied address is denied behind an allowed name`() async throws {
        try await SandboxFixture.with { fixture in
            let listener = try Listener(.tcp)
            let port = "\(listener.port)"
            let allowed = try TestPolicies.shipped("workspace", allow: ["network:tcp:localhost:\(port)"])
            #expect(try await fixture.probe(allowed, "tcp", "127.0.0.1", port).answer.isOK)
            #expect(listener.hits() == 1)
            let denied = try TestPolicies.shipped(
                "workspace", allow: ["network:tcp:localhost:\(port)"], deny: ["network:tcp:[0:0:0:0:0:ffff:7f00:1]:*"])
            let report = try await fixture.probe(denied, "tcp", "127.0.0.1", port)
            #expect(report.answer.error == "EACCES", "\(report.answer)")
            #expect(listener.hits() == 0)
            let violation = try #require(report.violations.first { $0.syscall == "connect" })
            #expect(violation.allowedBy == "remove `deny network:tcp:127.0.0.1:* connect` at command line")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a denied variable is not set by the caller either`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", deny: ["environment:TOKEN"])
            let request = try fixture.request(policy, ["/usr/bin/env"], environment: ["TOKEN": "canary"])
            guard case .setupFailed(let stage, _, let message) = await fixture.supervisor.run(request).outcome else {
                Issue.record("the run was started")
                return
            }
            #expect(stage == "plan" && message.contains("TOKEN") && message.contains("`deny environment:TOKEN read` at command line"))
            #expect(!message.contains("canary"))
            #expect(try await fixture.seal(policy, ["/usr/bin/env"], environment: ["OTHER": "x"]).outcome == .exited(code: 0))
            let none = try TestPolicies.shipped("workspace", deny: ["environment:HOME"])
            let report = try await fixture.seal(none, ["/bin/sh", "-c", "test -z \"${HOME+x}\""])
            #expect(report.outcome == .exited(code: 0))
        }
    }

    /// Two names that Swift calls equal are two names to the kernel: a program is denied under both.
    @Test(.timeLimit(.minutes(1))) func `a program is found below both spellings of a directory`() async throws {
        try await SandboxFixture.with { fixture in
            let tools = fixture.scratch.path + "/twins"
            let places = ["\(tools)/caf\u{E9}", "\(tools)/cafe\u{301}"]
            for directory in [tools] + places { try HostFile.makeDirectory(directory) }
            for place in places { try HostFile.write(place + "/seven", "#!/bin/sh\nexit 7\n", mode: 0o755) }
            let rule = "allow: 'filesystem:host:\(tools)', rights: [read, execute]"
            let (open, closed) = (
                try TestPolicies.inline(parent: "runtime", [rule]),
                try TestPolicies.inline(parent: "runtime", [rule, "deny: 'shell:seven', because: twins"])
            )
            for place in places {
                #expect(try await fixture.seal(open, [place + "/seven"]).outcome == .exited(code: 7), "possible without the rule")
                let outcome = try await fixture.seal(closed, [place + "/seven"]).outcome
                #expect(outcome != .exited(code: 7), "\(place)")
            }
        }
    }
}
