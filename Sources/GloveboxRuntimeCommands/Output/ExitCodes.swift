internal import CommandOutput
internal import LibOSModel

extension ExitStatus {
    /// `agent run`: agents are left that are neither ended nor waiting for a person.
    static let unfinished: Int32 = 3
    /// `bench`: measured, and the machine was too noisy for the numbers to be good. EX_TEMPFAIL of sysexits.
    static let noisy: Int32 = 75
    static let timedOut: Int32 = 124
    static let denied: Int32 = 126
    static let notFound: Int32 = 127

    /// What an error of the runtime means for whoever started the command.
    static func of(_ error: LibOSError) -> Int32 {
        switch error.code {
        case .validation: usage
        case .denied: denied
        case .notFound, .process: negative
        case .timeout: timedOut
        case .limit, .unsupported, .store: failure
        }
    }
}
