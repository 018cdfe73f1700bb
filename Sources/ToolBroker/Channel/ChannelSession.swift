package import LibOSModel
package import LinuxPrimitives
package import SandboxLauncher
package import StrictJSON

/// The supervisor's side of one call's channel: reads frames, has libOS calls answered one after the other, and ends with the result or
/// with the rule that the worker broke. It talks on a thread of its own (`run`) or on that of the tool's run (`HostedTalk`).
package final class ChannelSession: Sendable {
    /// The end of a session.
    package enum End: Sendable, Equatable {
        case result(ToolOutput)
        case failure(ToolFailure)
        case violation(ProtocolViolation)
    }

    package struct Opening: Sendable {
        package var tool: String
        package var call: ToolCallID
        package var arguments: JSONValue
        /// What is handed over with the call, by name. Kept open until the session ends.
        package var descriptors: [(name: String, number: Int32)]
        /// Of a worker that serves many calls: which one this is.
        package var place: SessionPlace?

        package init(
            tool: String, call: ToolCallID, arguments: JSONValue, descriptors: [(name: String, number: Int32)] = [],
            place: SessionPlace? = nil
        ) {
            self.tool = tool
            self.call = call
            self.arguments = arguments
            self.descriptors = descriptors
            self.place = place
        }
    }

    /// Answers a libOS call on behalf of this call's process.
    package typealias Handler = @Sendable (Syscall) async throws(LibOSError) -> JSONValue
    package typealias ProgressHandler = @Sendable (_ message: String, _ fraction: Double?) -> Void

    /// For the run: its descriptor 3.
    package var toolEnd: ToolChannel { line.toolEnd }
    private let line: ChannelLine
    private let opening: Opening
    private let limits: ChannelLimits
    private let handler: Handler
    private let progress: ProgressHandler

    package init(
        _ opening: Opening, limits: ChannelLimits = .standard, handler: @escaping Handler,
        progress: @escaping ProgressHandler = { _, _ in }
    ) throws(SystemError) {
        line = try ChannelLine()
        self.opening = opening
        self.limits = limits
        self.handler = handler
        self.progress = progress
    }

    /// Talks until the end, on the calling thread. Ends when the tool's end of the channel is closed everywhere, so it never waits
    /// longer than the run lives.
    package func run() -> End {
        var talk = makeTalk()
        do throws(ProtocolViolation) {
            return try talk.run() ?? .violation(ProtocolViolation(.earlyExit, "the call was stopped"))
        } catch {
            return .violation(error)
        }
    }

    func makeTalk() -> ChannelTalk { ChannelTalk(line, opening, limits: limits, handler: handler, progress: progress) }

    /// A libOS call that is under way has nobody to hear its answer any more.
    func cutOff() { line.news.cutOff() }

    /// Returns when the libOS call that the end of the session cut off has ended too: what it did is done then, and nothing comes after.
    package func lastCallEnded() async { await line.news.lastCallEnded() }
}
