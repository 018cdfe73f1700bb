internal import LibOSModel
internal import MCPApproval
internal import ModelContextProtocol
internal import StrictJSON

/// What a relay keeps for its questions.
struct RelayForms {
    /// Of the handshake; nil before it.
    var client: ClientForms?
    let sealer = StateSealer()
    var rate: QuestionRate
    let clock: any RuntimeClock
    /// Our open requests to the client, with the calls that wait for them.
    var open: [RequestID: RequestID] = [:]

    /// Ids of our requests begin so; of a server's none may. What follows cannot be guessed.
    static let namespace = "glovebox-"
    /// One client of one process: whoever holds the other end of the pipe.
    static let principal = "stdio"
    /// Seconds within which a client has to come back with a state.
    static let stateLifetime: Double = 900

    init(rate: QuestionRate, clock: any RuntimeClock) {
        self.rate = rate
        self.clock = clock
    }

    static func newID() -> RequestID {
        RequestID(
            "\(namespace)\(String(UInt64.random(in: .min ... .max), radix: 16))-\(String(UInt64.random(in: .min ... .max), radix: 16))")
    }

    static func isOurs(_ id: RequestID) -> Bool { id.bytes.starts(with: "\"\(namespace)".utf8) }

    var deadline: Timestamp { clock.now().adding(seconds: Self.stateLifetime) }
}

/// A call that waits for a person, with everything that is needed to make it then.
struct HeldCall {
    var call: ToolCall
    var line: [UInt8]
    var question: CallQuestion
    /// Our request to the client.
    var form: RequestID
}
