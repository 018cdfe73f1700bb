internal import CLaunchABI
internal import LinuxPrimitives
internal import SandboxPolicy

/// The receipt of what was enforced, taken from what the launcher's child said it did and not from what it was asked to do. For
/// descriptors, environment, terminal and the time and cgroup namespaces its word is STARTED itself: a step of those that fails ends
/// the launch.
///
/// It can be made as soon as the tool runs, when its caller has nothing else to do.
struct ReceiptBuilder {
    let request: RunRequest
    let preparation: LaunchPreparation
    let started: LaunchMessage
    let isRoot: Bool
    let cgroupObstacle: String?

    func receipt(cgroup: borrowing ControlGroupLease?) -> [ReceiptEntry] {
        let enforced = started.enforced
        func has(_ bit: gb_enforced) -> Bool { enforced & bit.rawValue != 0 }
        var entries: [ReceiptEntry] = []
        entries.reserveCapacity(20)
        func add(_ protection: Protection, _ enforced: Bool, _ detail: String, partial: Bool = false) {
            let state: ReceiptEntry.State = enforced ? (partial ? .partial : .enforced) : .waived
            entries.append(ReceiptEntry(layer: protection.rawValue, state: state, detail: detail))
        }
        let spec = preparation.spec
        let namespaces = has(GB_ENFORCED_NAMESPACES)
        add(
            .userNamespace, namespaces,
            "the tool is host uid \(spec.outerUser)" + (isRoot ? ", leased for this run alone" : ", yours, and no other"))
        add(.mountNamespace, has(GB_ENFORCED_ROOT), mountDetail)
        add(.pidNamespace, namespaces, "own init; the tree dies with it")
        add(.networkNamespace, namespaces, networkDetail(has(GB_ENFORCED_LOOPBACK), isShared: has(GB_ENFORCED_SHARED_NETWORK)))
        add(.ipcNamespace, namespaces, "own System V IPC and message queues")
        add(.utsNamespace, namespaces, "own host name")
        add(.cgroupNamespace, namespaces && spec.flags.contains(.cgroupNamespace), "own cgroup root")
        add(.timeNamespace, namespaces && spec.flags.contains(.timeNamespace), "own clock offsets")
        add(.capabilities, has(GB_ENFORCED_CAPABILITIES), "none in any of the five sets; securebits locked")
        add(.noNewPrivileges, has(GB_ENFORCED_NO_NEW_PRIVS), "set-id programs give nothing")
        add(.landlock, has(GB_ENFORCED_LANDLOCK), landlockDetail, partial: spec.landlock.abi < 6)
        let filter = "\(spec.filter.count / 8) instructions; foreign architectures are killed; \(memoryFiles)"
        add(.seccomp, has(GB_ENFORCED_SECCOMP), filter)
        add(.notifications, has(GB_ENFORCED_LISTENER), notificationDetail(has(GB_ENFORCED_LISTENER)))
        add(.limits, has(GB_ENFORCED_LIMITS), limitDetail, partial: has(GB_ENFORCED_CLAMPED) || !uncounted.isEmpty)
        add(.cgroup, cgroup != nil, cgroupDetail(cgroup), partial: false)
        if cgroup == nil { entries[entries.count - 1].state = .partial }
        add(.descriptors, true, request.channel == nil ? "0, 1, 2 and no other" : "0, 1, 2, the channel as 3, and no other")
        add(.environment, true, "\(spec.environment.count) variables, built from nothing")
        add(.terminal, true, spec.flags.contains(.terminal) ? "our own pty; terminal injection refused" : "no terminal")
        return entries
    }

    private var mountDetail: String {
        let binds = preparation.spec.mounts.count { if case .bind = $0.kind { !$0.device } else { false } }
        let covers = preparation.denials.covers.count
        var parts = ["private root with \(binds) granted paths"]
        if covers > 0 { parts.append("\(covers) denied names covered") }
        let absent = preparation.denials.absentCount
        if absent > 0 { parts.append("\(absent) absent names denied to be made") }
        if !preparation.plan.absent.isEmpty { parts.append("not on this host: " + preparation.plan.absent.listed(by: ", ")) }
        if let note = preparation.plan.workspaceNote { parts.append(note) }
        return parts.listed(by: "; ")
    }

    private func networkDetail(_ hasLoopback: Bool, isShared: Bool) -> String {
        if isShared {
            return "no interface is up; shared with other sandboxes that have no network: abstract sockets and /proc/net are closed to them"
        }
        let own = hasLoopback ? "a loopback of its own" : "no interface is up"
        guard preparation.network.isBrokered else { return hasLoopback ? own + " and nothing else" : own }
        return own + "; " + preparation.network.summary
    }

    private var landlockDetail: String {
        let landlock = preparation.spec.landlock
        guard landlock.abi > 0 else { return "not available" }
        var parts = ["ABI \(landlock.abi) of \(LandlockPlan.highestCodedABI) known", "\(preparation.spec.pathRules.count) path rules"]
        if landlock.handledNetwork != 0 { parts.append(preparation.network.isBrokered ? "no TCP of its own" : "no TCP") }
        if landlock.scoped != 0 { parts.append("signals and abstract sockets scoped") }
        return parts.listed(by: "; ")
    }

    private func notificationDetail(_ active: Bool) -> String {
        guard active else { return "refused calls answer an errno and leave no record" }
        return preparation.plan.mediated ? "refused calls are recorded; names are made by the supervisor" : "refused calls are recorded"
    }

    private var limitDetail: String {
        let clamped = zip(preparation.spec.resourceLimits, started.clamped).filter { $0.1 != .max }
        let limits =
            clamped.isEmpty
            ? "\(preparation.spec.resourceLimits.count) resource limits as asked"
            : "lower hard limits of this host stay: "
                + clamped.map { "\($0.0.name) \($0.1) instead of \($0.0.hard)" }.listed(by: ", ")
        return ([limits] + uncounted).listed(by: "; ")
    }

    /// Limits of the policy that nobody keeps on this host.
    private var uncounted: [String] {
        var missing: [String] = []
        if started.enforced & GB_ENFORCED_WRITE_COUNT.rawValue == 0 { missing.append("disk: this kernel does not count what is written") }
        if !preparation.plan.mediated || started.enforced & GB_ENFORCED_LISTENER.rawValue == 0 {
            missing.append("created: nobody counts names here, the private /tmp bounds its own")
        }
        return missing
    }

    /// How memory files are kept from being executed.
    private var memoryFiles: String {
        if started.enforced & GB_ENFORCED_MEMFD_NOEXEC.rawValue != 0 { return "memory files cannot be executed (vm.memfd_noexec)" }
        return started.enforced & GB_ENFORCED_LISTENER.rawValue != 0
            ? "memory files are made by the supervisor, never executable"
            : "memory files are refused unless they are sealed against execution"
    }

    private func cgroupDetail(_ cgroup: borrowing ControlGroupLease?) -> String {
        switch cgroup {
        case .some(let lease): return (lease.isUnified ? "v2" : "v1") + ": memory and processes of the whole tree"
        case nil:
            let why = cgroupObstacle ?? "no group could be leased"
            return "none (\(why)): memory and CPU are polled, processes counted per user namespace"
        }
    }
}

extension [String] {
    /// `joined(separator:)`, without the conformances that the library's own looks up at its first call: a quarter of what the
    /// report of a short run costs.
    fileprivate func listed(by separator: String) -> String {
        var text = ""
        for (index, part) in enumerated() {
            if index > 0 { text += separator }
            text += part
        }
        return text
    }
}
