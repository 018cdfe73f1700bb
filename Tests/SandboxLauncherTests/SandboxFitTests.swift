import Testing

@testable import SandboxLauncher

/// Which call may start in which sandbox: one that is the same, or one of which a start can take what the call may not have.
@Suite struct SandboxFitTests {
    private func sandbox(_ change: (inout LaunchSpec) -> Void = { _ in }) -> LaunchSpec {
        var spec = LaunchSpec()
        spec.flags = [.landlock, .seccomp]
        spec.landlock = LandlockAccess(abi: 7, handledFiles: 0xFF, handledNetwork: 0, scoped: 3)
        spec.mounts = [MountEntry(kind: .directory(mode: 0o755), target: "/w")]
        spec.pathRules = [PathRule(path: "/w", access: 0b0111, optional: false), PathRule(path: "/usr", access: 0b0101, optional: false)]
        spec.resourceLimits = [ResourceLimit(resource: 7, soft: 100, hard: 200, name: "open_files")]
        spec.filter = [1, 2, 3, 4, 5, 6, 7, 8]
        change(&spec)
        return spec
    }

    private func narrowing(_ change: (inout LaunchSpec) -> Void) -> SandboxFit.Narrowing? {
        SandboxFit.narrowing(for: sandbox(change), in: sandbox())
    }

    @Test func `the same fits as it is`() {
        #expect(narrowing { _ in } == [])
        #expect(narrowing { $0.templateKey = 5 } == [], "the mounts say what is in it")
        var call = sandbox()
        (call.arguments, call.environment, call.workingDirectory, call.searchPath) = (["/bin/true"], ["A=b"], "/w", "/bin")
        #expect(SandboxFit.narrowing(for: call.kind, in: sandbox().kind) == [])
    }

    @Test func `what a start can take away fits`() {
        #expect(narrowing { $0.resourceLimits[0].soft = 99 } == .limits)
        #expect(narrowing { ($0.resourceLimits[0].soft, $0.resourceLimits[0].hard) = (0, 0) } == .limits)
        #expect(narrowing { $0.pathRules.removeLast() } == .paths)
        #expect(narrowing { $0.pathRules[0].access = 0b0001 } == .paths)
        #expect(narrowing { $0.pathRules = [] } == .paths)
        #expect(narrowing { $0.pathRules[0].path = "/w/below" } == .paths)
        #expect(narrowing { ($0.pathRules[0].access, $0.resourceLimits[0].soft) = (1, 1) } == [.limits, .paths])
    }

    @Test func `everything else does not`() {
        let changes: [(String, (inout LaunchSpec) -> Void)] = [
            ("a higher limit", { $0.resourceLimits[0].hard = 201 }), ("another limit", { $0.resourceLimits[0].resource = 8 }),
            ("one limit less", { $0.resourceLimits = [] }), ("a right more", { $0.pathRules[1].access = 0b0111 }),
            ("a path more", { $0.pathRules.append(PathRule(path: "/etc", access: 1, optional: false)) }),
            ("the path above", { $0.pathRules[0].path = "/" }),
            ("a name that only begins alike", { $0.pathRules[0].path = "/ww" }), ("a mount", { $0.mounts = [] }),
            ("the filter", { $0.filter[0] = 9 }), ("no filter", { $0.flags.remove(.seccomp) }),
            ("a terminal", { $0.flags.insert(.terminal) }), ("another ruleset", { $0.landlock.scoped = 0 }),
            ("another root", { $0.rootBytes = 1 }),
            ("another host name", { $0.hostname = "x" }),
        ]
        for (name, change) in changes { #expect(narrowing(change) == nil, "\(name)") }
        // Without Landlock there is nothing that could take a path away.
        let without = sandbox { $0.flags.remove(.landlock) }
        var fewer = without
        fewer.pathRules = []
        #expect(SandboxFit.narrowing(for: fewer, in: without) == nil)
    }

    @Test func `a start brings nothing but the call's own`() throws {
        var whole = sandbox()
        try whole.personalize(user: 5, group: 6)
        var call = sandbox { $0.resourceLimits[0].soft = 1 }
        (call.arguments, call.environment, call.workingDirectory, call.searchPath) = (["/bin/true"], ["A=b"], "/w", "/bin")
        let start = call.start(of: whole, narrowing: .limits)
        #expect(start.flags == .start)
        #expect(start.mounts.isEmpty && start.filter.isEmpty && start.pathRules.isEmpty)
        #expect(start.resourceLimits == call.resourceLimits)
        #expect((start.outerUser, start.outerGroup) == (5, 6))
        #expect(start.arguments == ["/bin/true"] && start.environment == ["A=b"] && start.workingDirectory == "/w")
        #expect(call.start(of: whole, narrowing: []).resourceLimits.isEmpty)
        #expect(call.start(of: whole, narrowing: .paths).flags == [.start, .landlock])
    }

    @Test func `no sandbox is given the host's root`() {
        var spec = sandbox()
        #expect(throws: LaunchError.self) { try spec.personalize(user: 0, group: 5) }
        #expect(throws: LaunchError.self) { try spec.personalize(user: 5, group: 0) }
    }
}
