/// Why an operation of the runtime was not done. Nothing was changed when one is thrown out of a transaction.
package struct LibOSError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable, Hashable {
        case notFound = "not_found"
        case validation = "validation_error"
        case denied = "permission_denied"
        /// The process is in a state that does not allow it.
        case process = "process_error"
        case limit = "resource_limit"
        case timeout
        /// This version, or this part of it, does not do that.
        case unsupported
        /// The store cannot be read or written.
        case store = "store_error"
    }

    package var code: Code
    package var message: String
    /// What to do about it; nil when the message says it all.
    package var mend: String?
    package var denial: Denial?

    package init(_ code: Code, _ message: String, mend: String? = nil, denial: Denial? = nil) {
        self.code = code
        self.message = message
        self.mend = mend
        self.denial = denial
    }

    package static func denied(_ denial: Denial) -> LibOSError {
        LibOSError(.denied, denial.reason, mend: denial.suggestion, denial: denial)
    }

    package static func notFound(_ what: String) -> LibOSError { LibOSError(.notFound, "there is no \(what)") }

    package var description: String { mend.map { "\(message); \($0)" } ?? message }
}
