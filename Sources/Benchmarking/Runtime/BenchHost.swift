internal import Glibc
package import LinuxPrimitives
package import SandboxPolicy

/// What the benchmarks take from the program that runs them.
package struct BenchHost: Sendable {
    /// The policy of a name, kept once it was read.
    package var policy: @Sendable (String) throws(PolicyError) -> ResolvedPolicy
    /// Directory of the shipped tools' manifests.
    package var tools: String?
    /// Directory of this program's own files.
    package var programs: String

    package init(tools: String?, policy: @escaping @Sendable (String) throws(PolicyError) -> ResolvedPolicy) throws(SystemError) {
        self.policy = policy
        self.tools = tools
        let program = try PathResolution.canonicalPath("/proc/self/exe")
        programs = String(program[..<(program.lastIndex(of: "/") ?? program.endIndex)])
    }

    /// A program of ours: beside this one, or in `bin` and `libexec/glovebox` of an installation. Nil when it is not there.
    package func program(_ name: String) -> String? {
        let parent = programs.lastIndex(of: "/").map { String(programs[..<$0]) } ?? ""
        let prefix = parent.lastIndex(of: "/").map { String(parent[..<$0]) } ?? ""
        return ["\(programs)/\(name)", "\(parent)/libexec/glovebox/\(name)", "\(prefix)/bin/\(name)"].first { access($0, X_OK) == 0 }
    }

    /// Whether a file of ours stands beside glovebox-launcher.
    package func hasLibrary(_ name: String) -> Bool {
        guard let launcher = program("glovebox-launcher"), let slash = launcher.lastIndex(of: "/") else { return false }
        return access("\(launcher[..<slash])/\(name)", R_OK) == 0
    }
}
