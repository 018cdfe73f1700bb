internal import CapabilityLanguage
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON

/// `glovebox-worker` on this host, and what it needs to be executed at all.
package struct WorkerProgram: Sendable, Equatable {
    /// First word of a manifest's `run` that means this program.
    package static let name = "glovebox-worker"

    package var path: String
    /// Libraries of a build that is not static: directories that are readable and executable inside.
    package var libraries: [String]
    package var environment: [String: String]

    package init(path: String, libraries: [String] = [], environment: [String: String] = [:]) {
        self.path = path
        self.libraries = libraries
        self.environment = environment
    }

    /// Beside the running program, or in `../libexec/glovebox`. Nil when it is not installed.
    package static func installed() -> WorkerProgram? {
        guard let program = try? PathResolution.canonicalPath("/proc/self/exe") else { return nil }
        let directory = parent(of: program)
        for path in [directory + "/\(name)", parent(of: directory) + "/libexec/glovebox/\(name)"] {
            if (try? FileIdentity.of(path: path))?.isRegularFile == true { return WorkerProgram(path: path) }
        }
        return nil
    }

    private static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    /// The policy with the right to execute this program, and nothing else besides.
    func added(to policy: ResolvedPolicy) throws(PolicyError) -> ResolvedPolicy {
        let rules = ([path] + libraries).map { "filesystem:host:\($0)=read,execute" }
        return try policy.adding(PolicyOverrides(allow: rules))
    }
}
