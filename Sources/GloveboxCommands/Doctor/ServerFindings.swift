internal import LinuxPrimitives
internal import SandboxLauncher

/// Sandboxes that stand ready: whether this host can have them, and whether somebody keeps them.
enum ServerFindings {
    static func all() -> [HostFinding] {
        let trial = TrialRun.perform(prepared: true)
        return [pool(trial), server(ServerPlace.choiceOfThisProcess())]
    }

    private static func pool(_ trial: TrialRun) -> HostFinding {
        let defaults = "defaults of `glovebox serve`: " + ServerStatus.text(SandboxPoolSettings())
        guard trial.finding.status == .ok, trial.report?.launch == .prepared else {
            let why = trial.finding.status == .ok ? "no sandbox could be prepared" : trial.finding.fact
            return HostFinding(
                "pool", .partial, "\(why); \(defaults)", cost: "each run builds its own sandbox", mend: "see the lines above")
        }
        return HostFinding("pool", .ok, "a prepared sandbox served a run; \(defaults)")
    }

    static func server(_ choice: ServerPlace.Choice) -> HostFinding {
        let cost = "each `glovebox run` builds its own sandbox, some milliseconds"
        switch choice {
        case .off: return HostFinding("server", .ok, "\(ServerPlace.variable) is `off`: runs go without a server")
        case .notUnderstood(let value):
            return HostFinding(
                "server", .partial, "\(ServerPlace.variable) is neither `off` nor an absolute path: \(value)", cost: cost,
                mend: "unset it, or name a socket")
        case .place(let place):
            switch ServerQuestion.ask(place, asJSON: false) {
            case .status: return HostFinding("server", .ok, "answers at \(place.path)")
            case .declined(let reason):
                return HostFinding(
                    "server", .partial, "the server at \(place.path) declines calls from here: \(reason)", cost: cost,
                    mend: "start the server where its clients are")
            case .noAnswer(let problem):
                return HostFinding(
                    "server", problem.isAbsent ? .missing : .partial, problem.isAbsent ? "none at \(place.path)" : problem.message,
                    cost: cost,
                    mend: problem.isAbsent ? "start one: glovebox serve" : problem.mend)
            }
        }
    }
}
