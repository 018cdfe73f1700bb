internal import CapabilityLanguage
internal import StrictJSON

/// How one rule or setting reaches the kernel, for people and machines.
package struct DerivationStep: Sendable, Equatable {
    package enum Section: String, Sendable, CaseIterable {
        case files, run, network, environment, limits, refused, syscalls, protections, broker

        /// Heading in an explanation.
        package var heading: String {
            switch self {
            case .files: "Files it can reach"
            case .run: "Processes"
            case .network: "Network"
            case .environment: "Environment variables"
            case .limits: "Limits"
            case .refused: "Refused by name"
            case .syscalls: "System calls (what a program may ask of the kernel)"
            case .protections: "Protections"
            case .broker: "Decided at each use, not by the kernel"
            }
        }
    }

    package var section: Section
    /// Plain English, whole without the other fields: `/usr may be read and run`. Where `path` or `key` says what the line is
    /// about, a table shows `note` instead.
    package var text: String
    /// What enforces it: `mount read-only`, `Landlock READ_FILE READ_DIR`.
    package var mechanisms: [String]
    /// `file:line`, `command line` or `default`.
    package var location: String
    package var because: String?
    /// The file or directory that the step is about.
    package var path: String?
    /// What is granted at `path`, or refused there.
    package var rights: FileRights = []
    /// An absent path is skipped.
    package var isOptional = false
    /// A refusal where nothing is granted: it holds when a rule grants the place.
    package var isStanding = false
    /// The setting's name: of a limit, of a variable.
    package var key: String?
    /// The part of `text` that is left when `path`, `rights` or `key` stand beside it.
    package var note: String?
}

extension ResolvedPolicy {
    /// One step for everything that the derived confinement holds.
    package func derivation(workspace: String?, workspaceWritable: Bool) throws(PolicyError) -> [DerivationStep] {
        let confinement = try confinement(workspace: workspace, workspaceWritable: workspaceWritable)
        var steps = fileSteps(confinement) + refusalSteps(confinement)
        steps += runSteps(confinement) + networkSteps(confinement) + environmentSteps(confinement) + limitSteps(confinement)
        steps += syscallSteps(confinement) + protectionSteps(confinement) + brokerSteps()
        return steps
    }

    /// Where a setting was stated: `limits.tmp`.
    func place(of setting: String) -> String { origins[setting]?.location ?? "default" }
}
