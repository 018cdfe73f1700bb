internal import CapabilityLanguage
internal import StrictJSON

/// How one rule or setting reaches the kernel, for people and machines.
package struct DerivationStep: Sendable, Equatable {
    package enum Section: String, Sendable, CaseIterable {
        case see, change, run, network, environment, limits, refused, syscalls, protections, broker

        /// Heading in an explanation.
        package var heading: String {
            switch self {
            case .see: "What it can see (a directory stands for everything below it)"
            case .change: "What it can change"
            case .run: "What it can run"
            case .network: "What it reaches over the network"
            case .environment: "What its environment holds"
            case .limits: "What it can use up"
            case .refused: "What is refused by name"
            case .syscalls: "System calls"
            case .protections: "Which protections hold"
            case .broker: "Decided at each use, not by the kernel"
            }
        }
    }

    package var section: Section
    /// Plain English: `/usr and everything below it may be read`.
    package var text: String
    /// What enforces it: `mount /usr read-only`, `Landlock READ_FILE READ_DIR below /usr`.
    package var mechanisms: [String]
    /// `file:line`, `command line` or `default`.
    package var location: String
    package var because: String?
}

extension ResolvedPolicy {
    /// One step for everything that the derived confinement holds.
    package func derivation(workspace: String?, workspaceWritable: Bool) throws(PolicyError) -> [DerivationStep] {
        let confinement = try confinement(workspace: workspace, workspaceWritable: workspaceWritable)
        var steps: [DerivationStep] = []
        for grant in confinement.grants { steps += Self.steps(for: grant) }
        if steps.isEmpty {
            steps.append(DerivationStep(section: .see, text: "no file of the host", mechanisms: ["empty root"], location: "default"))
        }
        steps += privateFiles(confinement)
        for denial in confinement.denials { steps.append(Self.step(for: denial)) }
        for denial in confinement.deniedPrograms { steps.append(Self.step(for: denial)) }
        for device in confinement.devices {
            let rights = device.rights.names.joined(separator: ", ")
            steps.append(
                DerivationStep(
                    section: .see, text: "the device \(device.path): \(rights)",
                    mechanisms: ["bind \(device.path)", "Landlock \(rights), IOCTL_DEV"], location: device.rule.location,
                    because: device.rule.because))
        }
        steps += runSteps(confinement) + networkSteps(confinement) + environmentSteps(confinement) + limitSteps(confinement)
        steps += syscallSteps(confinement) + protectionSteps(confinement) + brokerSteps()
        return steps
    }

    private static func steps(for grant: PathGrant) -> [DerivationStep] {
        let isWritable = !grant.rights.isDisjoint(with: [.write, .delete])
        let absent = grant.optional ? ", if it is there" : ""
        let mount =
            "mount \(grant.path) \(isWritable ? "read-write" : "read-only")"
            + (grant.isWorkspace ? ", files keep their owner" : "")
        let landlock = "Landlock \(LandlockNames.names(grant.rights).joined(separator: " ")) below \(grant.path)"
        var result: [DerivationStep] = []
        func add(_ section: DerivationStep.Section, _ text: String) {
            result.append(
                DerivationStep(
                    section: section, text: text, mechanisms: [mount, landlock], location: grant.rule.location, because: grant.rule.because)
            )
        }
        if grant.rights.contains(.read) { add(.see, "\(grant.path)\(absent)") }
        let changes = grant.rights.intersection([.write, .delete])
        if !changes.isEmpty { add(.change, "\(grant.path): \(Self.verbs(changes, joined: "and"))") }
        if grant.rights.contains(.execute) { add(.run, "programs \(grant.subtree ? "below" : "at") \(grant.path)\(absent)") }
        return result
    }

    private func privateFiles(_ confinement: Confinement) -> [DerivationStep] {
        let size = Quantity.sizeText(confinement.limits.tmpBytes)
        return [
            DerivationStep(
                section: .change, text: "its own empty /tmp of \(size), gone when the run ends", mechanisms: ["tmpfs /tmp"],
                location: origins["limits.tmp"]?.location ?? "default")
        ]
    }

    private static func step(for denial: PathDenial) -> DerivationStep {
        let state = denial.rights.contains(.read) ? "masked" : "read-only"
        return DerivationStep(
            section: .refused, text: "\(denial.path) cannot be \(verbs(denial.rights, joined: "or"))",
            mechanisms: ["\(state), and its absent name cannot be created"], location: denial.rule.location, because: denial.rule.because)
    }

    private static func step(for denial: ProgramDenial) -> DerivationStep {
        let except = denial.except.isEmpty ? "" : ", but " + denial.except.joined(separator: ", ")
        return DerivationStep(
            section: .refused, text: (denial.path ?? "every program named \(denial.name)") + except + " cannot be run",
            mechanisms: ["masked wherever it may be executed, under each name of its file"], location: denial.rule.location,
            because: denial.rule.because)
    }

    /// `read, changed, created or deleted`
    private static func verbs(_ rights: FileRights, joined last: String) -> String {
        let all: [(FileRights, [String])] = [
            (.read, ["read"]), (.write, ["changed", "created"]), (.delete, ["deleted"]), (.execute, ["run"]),
        ]
        var words = all.filter { rights.contains($0.0) }.flatMap(\.1)
        guard words.count > 1, let final = words.popLast() else { return words.joined() }
        return words.joined(separator: ", ") + " \(last) \(final)"
    }

    private func runSteps(_ confinement: Confinement) -> [DerivationStep] {
        let rule = spawnRule?.reference
        let text =
            confinement.maySpawn
            ? "it may start other processes, \(confinement.limits.pids) at once"
            : "one process; it may have threads, but starts no other program"
        let mechanism =
            confinement.maySpawn
            ? "pids limit" : "filter refuses fork, vfork, clone of a process and every execve after the first"
        var steps = [
            DerivationStep(
                section: .run, text: text, mechanisms: [mechanism], location: rule?.location ?? "default", because: rule?.because)
        ]
        if let reader = confinement.readsProcesses {
            steps.append(
                DerivationStep(
                    section: .run, text: "it may read what /proc tells of its own processes",
                    mechanisms: ["Landlock read_file, read_dir on /proc"],
                    location: reader.location, because: reader.because))
        }
        return steps
    }

    private func networkSteps(_ confinement: Confinement) -> [DerivationStep] {
        let network = confinement.network
        if network.isNone {
            let rule = rules.first { $0.resource.kind == .network && $0.effect == .deny && $0.resource.parts.isEmpty }?.reference
            return [
                DerivationStep(
                    section: .network, text: "nothing: it has no network at all",
                    mechanisms: ["own network namespace", "filter refuses sockets"],
                    location: rule?.location ?? "default", because: rule?.because)
            ]
        }
        var steps: [DerivationStep] = []
        if let rule = network.loopback {
            steps.append(
                DerivationStep(
                    section: .network, text: "its own loopback: processes inside may talk to each other, not to the host",
                    mechanisms: ["own network namespace with lo up"], location: rule.location, because: rule.because))
        }
        for endpoint in network.connect {
            steps.append(
                DerivationStep(
                    section: .network, text: "\(endpoint.host), \(endpoint.port.map { "port \($0)" } ?? "every port"), over TCP",
                    mechanisms: ["the supervisor resolves, checks and connects; the tool gets the connected socket"],
                    location: endpoint.rule.location, because: endpoint.rule.because))
        }
        for endpoint in network.connect.isEmpty ? [] : network.denied {
            steps.append(
                DerivationStep(
                    section: .network,
                    text: "not \(endpoint.host), \(endpoint.port.map { "port \($0)" } ?? "every port"), by whatever name",
                    mechanisms: ["the supervisor compares the address that is reached"], location: endpoint.rule.location,
                    because: endpoint.rule.because))
        }
        for endpoint in network.listen {
            steps.append(
                DerivationStep(
                    section: .network, text: "others on this host may reach it at port \(endpoint.port.map(String.init) ?? "any")",
                    mechanisms: ["the supervisor hands over a socket bound to the host's 127.0.0.1"], location: endpoint.rule.location,
                    because: endpoint.rule.because))
        }
        return steps
    }

    private func environmentSteps(_ confinement: Confinement) -> [DerivationStep] {
        func location(_ key: String, _ name: String) -> String {
            if let origin = origins["environment.\(key).\(name)"] { return origin.location }
            let rule = rules.last { $0.resource.kind == .environment && $0.effect == .allow && $0.resource.parts.first?.text == name }
            return rule?.reference.location ?? "default"
        }
        let fixed = confinement.environment.set.sorted { utf8Precedes($0.key, $1.key) }.map {
            DerivationStep(
                section: .environment, text: "\($0.key)=\($0.value)", mechanisms: ["environment"], location: location("set", $0.key))
        }
        // One line for the variables that one place names.
        var passed: [(location: String, names: [String])] = []
        for name in confinement.environment.pass {
            let place = location("pass", name)
            if let index = passed.firstIndex(where: { $0.location == place }) {
                passed[index].names.append(name)
            } else {
                passed.append((place, [name]))
            }
        }
        return fixed
            + passed.map {
                DerivationStep(
                    section: .environment, text: "as outside: " + $0.names.joined(separator: " "), mechanisms: ["environment"],
                    location: $0.location)
            }
    }

    private func limitSteps(_ confinement: Confinement) -> [DerivationStep] {
        LimitName.allCases.map { name in
            DerivationStep(
                section: .limits, text: name.sentence(confinement.limits[name]), mechanisms: ["limit \(name.rawValue)"],
                location: origins["limits.\(name.rawValue)"]?.location ?? "default")
        }
    }

    private func syscallSteps(_ confinement: Confinement) -> [DerivationStep] {
        func location(_ key: String, _ name: String) -> String {
            let rule = rules.last { $0.resource.kind == .syscall && $0.resource.parts.first?.text == name }
            return origins["syscalls.\(key).\(name)"]?.location ?? rule?.reference.location ?? "default"
        }
        var steps = [
            DerivationStep(
                section: .syscalls, text: "the base list `\(confinement.syscalls.base)`; everything else is refused",
                mechanisms: ["seccomp filter"], location: origins["syscalls.base"]?.location ?? "default")
        ]
        for name in confinement.syscalls.allow {
            steps.append(
                DerivationStep(
                    section: .syscalls, text: "also \(name)", mechanisms: ["seccomp filter"], location: location("allow", name)))
        }
        for name in confinement.syscalls.deny {
            steps.append(
                DerivationStep(
                    section: .syscalls, text: "not \(name)", mechanisms: ["seccomp filter"], location: location("deny", name)))
        }
        return steps
    }

    private func protectionSteps(_ confinement: Confinement) -> [DerivationStep] {
        let kept = Protection.allCases.filter { !confinement.waived.contains($0) }.map(\.rawValue)
        var steps = [
            DerivationStep(
                section: .protections, text: "must hold, or the run does not start: " + kept.joined(separator: ", "), mechanisms: [],
                location: "default")
        ]
        for protection in confinement.waived.sorted() {
            steps.append(
                DerivationStep(
                    section: .protections, text: "MAY BE MISSING: \(protection.rawValue)", mechanisms: [],
                    location: origins["waive"]?.location ?? "default"))
        }
        return steps
    }

    private func brokerSteps() -> [DerivationStep] {
        let decided = rules.filter { rule in
            let kind = rule.resource.kind
            return !kind.hasOperatingSystemRight || kind == .secret || kind == .shell && rule.effect == .allow
        }
        return decided.map {
            DerivationStep(
                section: .broker, text: $0.reference.text, mechanisms: ["checked by the broker"], location: $0.reference.location,
                because: $0.reference.because)
        }
    }
}

/// Names of the Landlock rights that a file right stands for.
enum LandlockNames {
    static func names(_ rights: FileRights) -> [String] {
        var result: [String] = []
        if rights.contains(.read) { result += ["READ_FILE", "READ_DIR"] }
        if rights.contains(.write) {
            result += ["WRITE_FILE", "TRUNCATE", "MAKE_REG", "MAKE_DIR", "MAKE_SYM", "MAKE_FIFO", "MAKE_SOCK", "REFER"]
        }
        if rights.contains(.delete) { result += ["REMOVE_FILE", "REMOVE_DIR"] }
        if rights.contains(.execute) { result += ["EXECUTE"] }
        return result
    }
}

extension LimitName {
    func sentence(_ value: UInt64) -> String {
        let amount = text(value)
        return switch self {
        case .wall: "\(amount) from start to end"
        case .cpu: "\(amount) of processor time"
        case .memory: "\(amount) of memory"
        case .pids: "\(amount) processes and threads at once"
        case .output: "\(amount) of output, and as much of error output"
        case .openFiles: "\(amount) open files in each process"
        case .file: "\(amount) in one file"
        case .disk: "\(amount) written to disk"
        case .created: "\(amount) files, directories and links created"
        case .tmp: "\(amount) in /tmp"
        }
    }
}
