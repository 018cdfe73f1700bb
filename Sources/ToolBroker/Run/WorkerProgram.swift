internal import CapabilityLanguage
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

/// `glovebox-worker` on this host, and what it needs to be executed at all.
package struct WorkerProgram: Sendable, Equatable {
    /// First word of a manifest's `run` that means this program.
    package static let name = "glovebox-worker"

    package var path: String
    /// Libraries of a build that is not static: directories that are readable and executable inside. An installed worker has none.
    package var libraries: [String]
    package var environment: [String: String]

    package init(path: String, libraries: [String] = [], environment: [String: String] = [:]) {
        self.path = path
        self.libraries = libraries
        self.environment = environment
    }

    /// Beside the running program, or in `../libexec/glovebox`. Nil when it is not there.
    /// - Parameter name: another program of ours that is started inside sandboxes.
    package static func installed(_ name: String = WorkerProgram.name) -> WorkerProgram? {
        guard let program = try? PathResolution.canonicalPath("/proc/self/exe") else { return nil }
        let directory = parent(of: program)
        for path in [directory + "/\(name)", parent(of: directory) + "/libexec/glovebox/\(name)"] {
            if (try? FileIdentity.of(path: path))?.isRegularFile == true {
                return WorkerProgram(path: path, libraries: needsLoader(path) ? hostLibraries() : [])
            }
        }
        return nil
    }

    /// The same program, started before its call (`ParkedWorker` in its sources).
    var parked: ParkableProgram {
        ParkableProgram(
            arguments: [path, "--parked"],
            environment: environment.merging(["GLOVEBOX_PARKED": String(ToolChannel.number)]) { $1 }, saysStarted: true)
    }

    /// What must be readable and executable for it to run.
    var programs: [String] { [path] + libraries }

    private static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    /// Whether a program of 64-bit ELF names a loader (PT_INTERP): then it is a build for developers, with libraries of its own.
    private static func needsLoader(_ path: String) -> Bool {
        guard let file = try? PathResolution.open(path: path, flags: 0, resolve: []) else { return false }
        var head = [UInt8](repeating: 0, count: 4096)
        let count = (try? head.withUnsafeMutableBytes { try Transfer.read(file.rawValue, into: $0) }) ?? 0
        func number(_ offset: Int, _ size: Int) -> Int {
            guard offset >= 0, offset + size <= count else { return 0 }
            return (0..<size).reduce(0) { $0 | Int(head[offset + $1]) << (8 * $1) }
        }
        guard count > 64, Array(head[0..<5]) == [0x7F, 0x45, 0x4C, 0x46, 2] else { return false }
        let (table, size, entries) = (number(32, 4), number(54, 2), number(56, 2))
        let interpreter = 3
        return (0..<entries).contains { number(table + $0 * size, 4) == interpreter }
    }

    /// Where the loader finds libraries on this host, and where this program's own Swift runtime lies.
    private static func hostLibraries() -> [String] {
        var result = ["/usr/lib", "/lib", "/lib64"].filter { (try? FileIdentity.of(path: $0)) != nil }
        let maps = (try? SmallFile.text("/proc/self/maps")) ?? ""
        if let line = maps.split(separator: "\n").first(where: { $0.hasSuffix("/libswiftCore.so") }),
            let start = line.firstIndex(of: "/")
        {
            let folder = parent(of: String(line[start...]))
            if !result.contains(where: { folder.hasPrefix($0 + "/") }) { result.append(folder) }
        }
        return result
    }
}
