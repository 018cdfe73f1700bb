internal import CLaunchABI
internal import LinuxPrimitives
internal import SandboxPolicy

/// Calls that a program serves which was running before they came.
extension SandboxSupervisor {
    /// Nil when none waits that would do.
    func startParked(
        _ request: RunRequest, _ spec: LaunchSpec, _ decisions: Decisions, _ streams: borrowing RunStreams
    ) throws(LaunchError) -> Launch? {
        guard let pool, request.parkable != nil, spec.fitsStart else { return nil }
        if let channel = request.channel, !channel.isConnectedStream { return nil }
        let (shown, shownDecisions) = try showingFiles(request, decisions)
        let whole = try compose(shown, shownDecisions, terminalPath: nil, countsMemory: cgroups != nil)
        let blueprint = blueprint(of: whole, shownDecisions, shown, parks: true)
        while let ready = pool.take(blueprint) {
            guard let parked = ready.standing as? ParkedProgram else { return nil }
            let start = try LaunchSpecEncoder.encode(spec.start(of: parked.spec, narrowing: []))
            if let hostID = parked.sandbox.leases.hostID { streams.belong(to: hostID, hostID) }
            guard parked.start(start, hasChannel: streams.hasChannel, descriptors: streams.toolDescriptors) else {
                pool.giveUp(parked)
                continue
            }
            return Launch(sandbox: parked.sandbox, spec: parked.spec.inUse(by: spec), standing: .parked, program: parked)
        }
        // What has changed on the host since the plan was made is in nothing that is built by it.
        if !shownDecisions.plan.isCurrent { _ = try decide(shown, nil, anew: true) }
        return nil
    }
}

extension SandboxSupervisor {
    /// The request with the files of its parkable program: nobody else's sandbox has them.
    func showingFiles(_ request: RunRequest, _ decisions: Decisions) throws(LaunchError) -> (RunRequest, Decisions) {
        guard let program = request.parkable, !program.files.isEmpty else { return (request, decisions) }
        var request = request
        request.confinement.grants += program.files.map { path in
            PathGrant(
                path: path, rights: [.read, .execute], subtree: false, isWorkspace: false, optional: false,
                rule: RuleReference(
                    policy: "glovebox", file: "glovebox", line: 0, text: "allow filesystem:host:\(path) read,execute",
                    because: "part of a program that waits for its call"))
        }
        request.policyHash += " with \(program.files)" // plans are kept by it, and this is another one
        return (request, try decide(request, nil, anew: false))
    }
}

extension LaunchSpec {
    /// Whether words and environment are no more than a START takes; else the call is launched cold, which takes more.
    fileprivate var fitsStart: Bool {
        let texts = arguments + environment + [workingDirectory, searchPath]
        let bytes = texts.reduce(MemoryLayout<gb_spec>.size) { $0 + $1.utf8.count + MemoryLayout<UInt32>.size + 1 }
        return bytes + 16 <= Int(GB_INLINE_SPEC_MAX) // two empty texts, and what keeps records aligned
    }

    /// This sandbox's, with what is the call's own.
    func inUse(by call: LaunchSpec) -> LaunchSpec {
        var whole = self
        (whole.arguments, whole.environment) = (call.arguments, call.environment)
        (whole.workingDirectory, whole.searchPath) = (call.workingDirectory, call.searchPath)
        (whole.resourceLimits, whole.pathRules) = (call.resourceLimits, call.pathRules)
        return whole
    }
}
