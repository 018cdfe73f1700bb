/// Why a sandbox could not be asked for: the request itself is wrong, or the launcher is not there. Nothing ran.
package struct LaunchError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// The request cannot be turned into a launch spec (NUL byte, relative path).
        case malformed
        /// Arguments and environment over the kernel's bound.
        case tooLarge
        /// A path that the policy needs is missing or is not what it must be.
        case path
        /// The host lacks a protection that the policy does not waive.
        case protectionMissing
        /// glovebox-launcher could not be found, started or reached.
        case launcher
        /// The filter could not be compiled.
        case filter
        /// A resource of this host ran out (ids, descriptors, cgroups).
        case exhausted
    }

    package var code: Code
    /// What failed, in one sentence without a full stop.
    package var message: String
    /// What to do about it.
    package var mend: String

    package init(_ code: Code, _ message: String, mend: String) {
        self.code = code
        self.message = message
        self.mend = mend
    }

    package var description: String { "\(message); \(mend)" }
}
