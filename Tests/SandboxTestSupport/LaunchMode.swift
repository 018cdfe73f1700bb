internal import Glibc
package import SandboxLauncher

/// How the fixtures' runs come to their sandboxes. The enforcement suites hold for each: `GLOVEBOX_TEST_LAUNCH=prepared` runs them
/// once more with every sandbox built before its call, and `parked` with the probe waiting in it.
package enum LaunchMode: String, Sendable {
    case cold, prepared, parked

    package static let current: LaunchMode = {
        guard let word = getenv("GLOVEBOX_TEST_LAUNCH").map({ String(cString: $0) }) else { return .cold }
        guard let mode = LaunchMode(rawValue: word) else { preconditionFailure("GLOVEBOX_TEST_LAUNCH is `cold`, `prepared` or `parked`") }
        return mode
    }()

    package var pool: SandboxPoolSettings? {
        guard self != .cold else { return nil }
        var settings = SandboxPoolSettings()
        settings.buildsOnDemand = true
        settings.parksPython = self == .parked
        return settings
    }

    package struct Unexpected: Error { package let launch: LaunchKind }

    /// A suite that fell back to cold launches would show nothing of prepared ones.
    func check(_ report: RunReport, of request: RunRequest) throws {
        guard self != .cold, !report.receipt.isEmpty else { return } // nothing ran
        if case .terminal = request.output { return }
        if self == .parked, request.parkable == nil, report.launch == .parked { return } // the host's own python3
        // Without `recvmsg` there is no way to hand a running program its call.
        let isParkable = request.parkable != nil && report.policyName != "compute"
        guard report.launch == (isParkable ? .parked : .prepared) else { throw Unexpected(launch: report.launch) }
    }
}
