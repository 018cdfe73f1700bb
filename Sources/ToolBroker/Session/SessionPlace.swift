package import StrictJSON

/// Where a call stands in the session that serves it.
package struct SessionPlace: Sendable, Hashable {
    /// `ses_…`
    package var session: String
    /// 1 for the first call.
    package var call: UInt64

    package init(session: String, call: UInt64) {
        self.session = session
        self.call = call
    }

    package var json: JSONValue { .object(["id": .string(session), "call": .unsigned(call)]) }
}
