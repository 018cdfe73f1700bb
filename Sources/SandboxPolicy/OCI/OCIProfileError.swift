internal import StrictJSON

/// A field of a seccomp profile that cannot be honoured, by its path: `syscalls[3].args[0].op`.
package struct OCIProfileError: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var message: String

    package var description: String { printable("\(path): \(message)") }
}

/// Facts about the place where an imported profile will be used, for `includes` and `excludes`.
package struct OCIImportContext: Sendable, Equatable {
    /// Names such as `CAP_SYS_ADMIN`. A confined tool has none.
    package var capabilities: Set<String>
    /// Running kernel, for `minKernel`.
    package var kernelMajor: Int
    package var kernelMinor: Int

    package init(capabilities: Set<String> = [], kernelMajor: Int, kernelMinor: Int) {
        self.capabilities = capabilities
        self.kernelMajor = kernelMajor
        self.kernelMinor = kernelMinor
    }
}

/// What an import gave: the filter, and names that mean nothing on x86-64 (profiles list the calls of every architecture).
package struct OCIImport: Sendable, Equatable {
    package var specification: FilterSpecification
    package var ignoredNames: [String]
}

/// Words that both directions share.
enum OCIWord {
    static let actions: [(name: String, action: FilterAction?)] = [
        ("SCMP_ACT_ALLOW", .allow), ("SCMP_ACT_NOTIFY", .notify), ("SCMP_ACT_KILL_PROCESS", .killProcess), ("SCMP_ACT_ERRNO", nil),
    ]

    /// Two-operand comparison is told apart by name.
    static let comparisons: [(name: String, comparison: ArgumentCondition.Comparison)] = [
        ("SCMP_CMP_EQ", .equal), ("SCMP_CMP_NE", .notEqual), ("SCMP_CMP_LT", .less), ("SCMP_CMP_LE", .lessOrEqual),
        ("SCMP_CMP_GT", .greater), ("SCMP_CMP_GE", .greaterOrEqual),
    ]

    static let maskedEqual = "SCMP_CMP_MASKED_EQ"
    static let operationNotPermitted: Int32 = 1
}
