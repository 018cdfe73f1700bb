internal import SandboxLauncher

/// What tells violations apart, whoever's process it was.
struct ViolationIdentity: Hashable {
    private let layer, syscall, arguments, program: String

    init(_ violation: Violation) {
        layer = violation.layer
        syscall = violation.syscall
        arguments = violation.arguments
        program = violation.program
    }
}

extension Violation {
    /// Kinds are counted apart, so that noise of one does not hide another: anybody can open names that are not there, and a refused
    /// connection or a look for keys must be on record all the same.
    var kind: String {
        layer == "mount-namespace" && SecretNames.contain(Array(arguments.utf8)) ? "violation mount-namespace secret" : "violation \(layer)"
    }
}
