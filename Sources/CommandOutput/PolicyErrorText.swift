package import SandboxPolicy
package import StrictJSON

/// Errors of policies as lines.
package enum PolicyErrorText {
    /// The first error, and how many more the document has.
    package static func line(_ error: PolicyError) -> String {
        let more = error.others.count
        return error.description + (more > 0 ? " (and \(more) more; `glovebox policy check` lists them)" : "")
    }

    /// Every error, where no command lists them otherwise: those of tool manifests. Bounded, for documents that are broken all over.
    package static func lines(_ error: PolicyError, most: Int = 20) -> [String] {
        let all = all(error)
        return all.count <= most ? all : all.prefix(most) + ["and \(all.count - most) more errors in \(printable(error.file))"]
    }

    package static func all(_ error: PolicyError) -> [String] { ([error] + error.others).map(\.description) }

    package static func value(_ error: PolicyError) -> JSONValue {
        .object([
            "file": .string(error.file), "line": .int(Int64(error.line)), "column": .int(Int64(error.column)),
            "message": .string(error.message), "mend": .string(error.mend),
        ])
    }
}
