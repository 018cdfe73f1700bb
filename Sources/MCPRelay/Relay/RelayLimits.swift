internal import StrictJSON

/// What one relay keeps, and how long it waits.
package struct RelayLimits: Sendable, Equatable {
    /// Bytes of one line in either direction.
    package var messageBytes: Int
    /// Bytes of the answer to one `tools/call`.
    package var resultBytes: Int
    /// Requests without an answer, in each direction.
    package var openRequests: Int
    /// Nanoseconds without a word of the server's after which a request is answered with an error; nil: for ever.
    package var silence: UInt64?
    /// Nanoseconds that a server has to end by itself once its input has ended.
    package var farewell: UInt64
    /// Nanoseconds that a call waits for a person who is shown a form.
    package var approvalWait: UInt64
    /// Bytes that wait for one side before the other is not read any more.
    package var queuedBytes: Int

    package init(
        messageBytes: Int = 16 << 20, resultBytes: Int = 4 << 20, openRequests: Int = 1024, silence: UInt64? = 300_000_000_000,
        farewell: UInt64 = 2_000_000_000, approvalWait: UInt64 = 120_000_000_000, queuedBytes: Int = 1 << 20
    ) {
        self.messageBytes = messageBytes
        self.resultBytes = resultBytes
        self.openRequests = openRequests
        self.silence = silence
        self.farewell = farewell
        self.approvalWait = approvalWait
        self.queuedBytes = queuedBytes
    }

    /// Of messages that are read as a whole.
    var document: DocumentBounds { DocumentBounds(bytes: messageBytes, depth: 64, nodes: 500_000) }
}
