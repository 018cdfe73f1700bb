internal import StrictJSON

/// What one call may say on its channel.
package struct ChannelLimits: Sendable, Equatable {
    /// Bytes of one frame, its newline not counted.
    package var frameBytes: Int
    /// Frames of one call, whatever they are.
    package var frames: Int
    /// libOS calls of one call.
    package var syscalls: Int
    /// Bytes of one call in all.
    package var totalBytes: Int
    /// Lists and objects inside one another in a frame.
    package var depth: Int
    /// Values in one frame.
    package var nodes: Int

    package init(frameBytes: Int, frames: Int, syscalls: Int, totalBytes: Int, depth: Int, nodes: Int) {
        self.frameBytes = frameBytes
        self.frames = frames
        self.syscalls = syscalls
        self.totalBytes = totalBytes
        self.depth = depth
        self.nodes = nodes
    }

    /// A frame holds the longest file that one read gives, escaped.
    package static let standard = ChannelLimits(
        frameBytes: 2 << 20, frames: 1024, syscalls: 64, totalBytes: 16 << 20, depth: 32, nodes: 50_000)

    var document: DocumentBounds { DocumentBounds(bytes: frameBytes, depth: depth, nodes: nodes) }
}

/// A broken rule of the protocol. It ends the call: what else such a worker says is worth nothing.
package struct ProtocolViolation: Error, Sendable, Equatable {
    package var rule: Rule
    /// One sentence; text of the worker's in it is made printable.
    package var message: String

    package enum Rule: String, Sendable, CaseIterable {
        case frameTooLong = "frame-too-long"
        case tooManyFrames = "too-many-frames"
        case tooManySyscalls = "too-many-syscalls"
        case tooMuchData = "too-much-data"
        case notJSON = "not-json"
        case notJSONRPC = "not-json-rpc"
        case unknownMethod = "unknown-method"
        case duplicateID = "duplicate-id"
        case wrongNonce = "wrong-nonce"
        case malformedResult = "malformed-result"
        case dataAfterResult = "data-after-result"
        case partialFrame = "partial-frame"
        case earlyExit = "early-exit"
        /// Bytes of another process than the tool's first one.
        case foreignWriter = "foreign-writer"
        /// Descriptors that the worker tried to hand over.
        case passedDescriptor = "passed-descriptor"
        /// Anything at all from a worker that waits for its next call.
        case unsolicited = "unsolicited-frame"
    }

    package init(_ rule: Rule, _ message: String) {
        self.rule = rule
        self.message = message
    }
}
