/// Grants, the sandbox's own directories, and refused names, as steps.
extension ResolvedPolicy {
    func fileSteps(_ confinement: Confinement) -> [DerivationStep] {
        let refused = confinement.denials.map(\.path)
        var steps = confinement.grants.map { grant in
            let holds = refused.contains { $0.utf8.starts(with: (grant.path + "/").utf8) }
            let programs = grant.rights.contains(.execute) && !confinement.deniedPrograms.isEmpty
            var notes = grant.path == confinement.workspace ? ["the workspace"] : []
            if !grant.subtree { notes.append("this file alone") }
            if holds || programs { notes.append("except what is refused by name") }
            return Self.fileStep(
                grant.path, grant.rights, notes: notes, mechanisms: Self.mechanisms(grant), optional: grant.optional,
                location: grant.rule.location, because: grant.rule.because)
        }
        if steps.isEmpty {
            steps.append(
                DerivationStep(section: .files, text: "no file of the host", mechanisms: ["an empty root"], location: "default"))
        }
        return steps + ownSteps(confinement) + confinement.devices.map(Self.deviceStep)
    }

    /// What the launcher makes for every run. A grant of the same path shows the host's instead.
    private func ownSteps(_ confinement: Confinement) -> [DerivationStep] {
        var steps: [DerivationStep] = []
        let size = Quantity.sizeText(confinement.limits.tmpBytes)
        for (path, runs) in [("/tmp", confinement.runsFromTemporary), ("/dev/shm", false)] where !confinement.showsHost(at: path) {
            let rights = confinement.temporaryRights.union(runs ? .execute : [])
            steps.append(
                Self.fileStep(
                    path, rights, notes: ["the run's own, empty at first, \(size) in memory, gone when the run ends"],
                    mechanisms: ["tmpfs of \(size)" + (runs ? "" : ", noexec"), Self.landlock(rights), Self.mediation],
                    location: place(of: "limits.tmp")))
        }
        let settings = Confinement.ownSettings.filter { !confinement.showsHost(at: "/etc/" + $0) }
        if !settings.isEmpty {
            steps.append(
                Self.fileStep(
                    "/etc", .read, notes: ["only " + settings.joined(separator: ", ") + ", made for the run, and the rows above"],
                    mechanisms: ["files in the sandbox's own root", Self.landlock(.read)], location: "default"))
        }
        let devices = "only " + Confinement.ownDevices.joined(separator: ", ") + ", and what has a row of its own; with -t its terminal"
        steps.append(
            Self.fileStep(
                "/dev", [.read, .write], notes: [devices],
                mechanisms: ["mount of each node", "Landlock READ_FILE WRITE_FILE TRUNCATE on each"], location: "default"))
        steps.append(processInformation(confinement))
        return steps
    }

    private func processInformation(_ confinement: Confinement) -> DerivationStep {
        let reader = confinement.readsProcesses
        let note =
            reader == nil
            ? "facts about the machine (cpuinfo, meminfo and the like); of processes only their ids"
            : "facts about the machine, and about the processes of this run; of no other process"
        return Self.fileStep(
            "/proc", .read, notes: [note],
            mechanisms: [
                "pid namespace of its own, with a /proc of its own", Self.landlock(.read) + (reader == nil ? " on single files" : ""),
            ],
            location: reader?.location ?? "default", because: reader?.because)
    }

    private static func deviceStep(_ device: DeviceGrant) -> DerivationStep {
        fileStep(
            device.path, device.rights, notes: ["a device of the host"],
            mechanisms: ["mount of the node", landlock(device.rights) + " IOCTL_DEV"], location: device.rule.location,
            because: device.rule.because)
    }

    private static func fileStep(
        _ path: String, _ rights: FileRights, notes: [String], mechanisms: [String], optional: Bool = false, location: String,
        because: String? = nil
    ) -> DerivationStep {
        let note = notes.joined(separator: ", ")
        let text = "\(path) may be \(verbs(rights, joined: "and"))" + (note.isEmpty ? "" : ": " + note)
        return DerivationStep(
            section: .files, text: text + (optional ? ", if it is there" : ""), mechanisms: mechanisms, location: location,
            because: because, path: path, rights: rights, isOptional: optional, note: note)
    }

    // MARK: - What enforces a grant

    static let mediation = "supervisor: makes, links and moves names for the tool, or refuses"

    private static func mechanisms(_ grant: PathGrant) -> [String] {
        let isWritable = !grant.rights.isDisjoint(with: [.write, .delete])
        let flags = [isWritable ? "read-write" : "read-only"] + (grant.rights.contains(.execute) ? [] : ["noexec"])
        return ["mount " + flags.joined(separator: ", "), landlock(grant.rights)] + (isWritable ? [mediation] : [])
    }

    /// The kernel's names of the rights. Those that make names are given to nobody: the supervisor makes them.
    private static func landlock(_ rights: FileRights) -> String {
        let names: [(FileRights, String)] = [
            (.read, "READ_FILE READ_DIR"), (.write, "WRITE_FILE TRUNCATE"), (.delete, "REMOVE_FILE REMOVE_DIR"), (.execute, "EXECUTE"),
        ]
        return "Landlock " + names.filter { rights.contains($0.0) }.map(\.1).joined(separator: " ")
    }

    // MARK: - Refusals

    func refusalSteps(_ confinement: Confinement) -> [DerivationStep] {
        confinement.denials.map { Self.step(for: $0, standing: false) }
            + confinement.standingDenials.map { Self.step(for: $0, standing: true) }
            + confinement.deniedPrograms.map(Self.step)
    }

    private static func step(for denial: PathDenial, standing: Bool) -> DerivationStep {
        var cover: [String] = []
        if denial.rights.contains(.read) {
            cover.append("mount of an empty, closed file or directory over it")
        } else {
            if !denial.rights.isDisjoint(with: [.write, .delete]) { cover.append("mount read-only over it") }
            if denial.rights.contains(.execute) { cover.append("mount noexec over it") }
        }
        return DerivationStep(
            section: .refused,
            text: "\(denial.path) cannot be \(verbs(denial.rights, joined: "or"))" + (standing ? ", whoever grants it" : ""),
            mechanisms: cover + ["supervisor: refuses to make the name where it is absent"], location: denial.rule.location,
            because: denial.rule.because, path: denial.path, rights: denial.rights, isStanding: standing)
    }

    private static func step(for denial: ProgramDenial) -> DerivationStep {
        let except = denial.except.isEmpty ? "" : ", but " + denial.except.joined(separator: ", ") + ","
        return DerivationStep(
            section: .refused, text: (denial.path ?? "every program named \(denial.name)") + except + " cannot be run",
            mechanisms: ["mount of an empty, closed file over it wherever it could be run, under each of its names"],
            location: denial.rule.location, because: denial.rule.because)
    }

    /// `read, changed, created or deleted`
    static func verbs(_ rights: FileRights, joined last: String) -> String {
        let all: [(FileRights, [String])] = [
            (.read, ["read"]), (.write, ["changed", "created"]), (.delete, ["deleted"]), (.execute, ["run"]),
        ]
        var words = all.filter { rights.contains($0.0) }.flatMap(\.1)
        guard words.count > 1, let final = words.popLast() else { return words.joined() }
        return words.joined(separator: ", ") + " \(last) \(final)"
    }
}
