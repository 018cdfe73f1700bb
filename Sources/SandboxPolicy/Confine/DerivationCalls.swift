internal import CapabilityLanguage

/// System calls, protections and what the broker decides, as steps.
extension ResolvedPolicy {
    func syscallSteps(_ confinement: Confinement) -> [DerivationStep] {
        func location(_ key: String, _ name: String) -> String {
            let rule = rules.last { $0.resource.kind == .syscall && $0.resource.parts.first?.text == name }
            return origins["syscalls.\(key).\(name)"]?.location ?? rule?.reference.location ?? "default"
        }
        let kind = SyscallBase(rawValue: confinement.syscalls.base)?.sentence
        var steps = [
            DerivationStep(
                section: .syscalls,
                text: "those of the list `\(confinement.syscalls.base)`\(kind.map { ": \($0)" } ?? ""); every other call fails",
                mechanisms: ["filter (seccomp)"], location: place(of: "syscalls.base"))
        ]
        for name in confinement.syscalls.allow {
            steps.append(
                DerivationStep(
                    section: .syscalls, text: "also \(name)", mechanisms: ["filter (seccomp)"], location: location("allow", name)))
        }
        for name in confinement.syscalls.deny {
            steps.append(
                DerivationStep(
                    section: .syscalls, text: "not \(name)", mechanisms: ["filter (seccomp)"], location: location("deny", name)))
        }
        return steps
    }

    func protectionSteps(_ confinement: Confinement) -> [DerivationStep] {
        var steps = Protection.allCases.filter { !confinement.waived.contains($0) }.map {
            DerivationStep(
                section: .protections, text: "must hold, or the run does not start: \($0.sentence)", mechanisms: [], location: "default",
                key: $0.rawValue, note: $0.sentence)
        }
        for protection in confinement.waived.sorted() {
            steps.append(
                DerivationStep(
                    section: .protections, text: "MAY BE MISSING: \(protection.rawValue) (\(protection.sentence))", mechanisms: [],
                    location: place(of: "waive")))
        }
        return steps
    }

    func brokerSteps() -> [DerivationStep] {
        let decided = rules.filter { rule in
            let kind = rule.resource.kind
            return !kind.hasOperatingSystemRight || kind == .secret || kind == .shell && rule.effect == .allow
        }
        return askSteps()
            + decided.map {
                DerivationStep(
                    section: .broker, text: $0.reference.text, mechanisms: ["broker: checks each use"], location: $0.reference.location,
                    because: $0.reference.because)
            }
    }
}

extension ResolvedPolicy {
    /// Said where it is stated, and where there is a question that it is about.
    private func askSteps() -> [DerivationStep] {
        guard askChannel != nil || rules.contains(where: { $0.effect == .ask }) else { return [] }
        let text =
            switch askChannel {
            case .local: "what must be asked about is answered on this machine alone; what an MCP client answers does not count"
            case .any: "what must be asked about may be answered in a form of an MCP client, which could answer it by itself"
            case nil:
                "what must be asked about is answered on this machine alone where it is about writing outside of the workspace, the network or "
                    + "processes, and else in a form of an MCP client as well"
            }
        return [
            DerivationStep(section: .broker, text: text, mechanisms: ["broker: checks each answer"], location: place(of: Self.askSetting))
        ]
    }
}

extension SyscallBase {
    /// What the list is for.
    var sentence: String {
        switch self {
        case .default: "what interpreters, compilers and version control need"
        case .compute: "files, memory, threads and time; no sockets, no new processes"
        }
    }
}
