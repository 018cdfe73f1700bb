/// A program of ours that can be started before its call, waits in a sandbox of its own, and then serves that call instead of the
/// program that the call names. It has run nothing of the caller's until then.
///
/// Whoever sets it on a request vouches that the program does what the request's own words would do in a process of their own: START
/// brings it the words, environment and working directory that a cold launch would have been given, and it may refuse none of them.
package struct ParkableProgram: Sendable, Hashable {
    /// argv with which it is started to wait. The first word is an absolute path inside, or looked for along PATH. Nothing of one call
    /// may be in it.
    package var arguments: [String]
    /// Its whole environment while it waits, nothing is added. A START replaces all of it.
    package var environment: [String: String]
    /// It says STARTED on its call socket right before it runs the call and not earlier. Then its death before that is certain to have
    /// run nothing, and the call is launched cold; otherwise it counts as running from the START on.
    package var saysStarted: Bool

    /// Files of ours, with the same path inside, that its sandbox shows besides what the policy grants: to be read and mapped as code,
    /// and not to be changed.
    package var files: [String]
    /// Whatever else tells it from another program of the same words, such as which file its path leads to.
    package var version: String

    package init(
        arguments: [String], environment: [String: String] = [:], saysStarted: Bool = false, files: [String] = [], version: String = ""
    ) {
        self.arguments = arguments
        self.environment = environment
        self.saysStarted = saysStarted
        self.files = files
        self.version = version
    }
}
