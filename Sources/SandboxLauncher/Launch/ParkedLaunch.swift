internal import CLaunchABI
internal import LinuxPrimitives

/// Calls that a program serves which was running before they came.
extension SandboxSupervisor {
    /// Nil when none waits that would do.
    func startParked(
        _ request: RunRequest, _ spec: LaunchSpec, _ decisions: Decisions, _ streams: borrowing RunStreams
    ) throws(LaunchError) -> Launch? {
        guard let pool, request.parkable != nil, spec.fitsStart else { return nil }
        if let channel = request.channel, !channel.isConnectedStream { return nil }
        let blueprint = blueprint(of: spec, decisions, request, parks: true)
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
        return nil
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
