internal import Glibc
internal import LinuxPrimitives

/// glovebox-python.so beside the launcher under test. `make` builds it; a test binary that was built alone builds it here, by the same
/// sources, so that no suite passes with every Python cold.
package enum ParkedPythonLibrary {
    package struct NotBuilt: Error { package let why: String }

    package static let path = Products.directory + "/glovebox-python.so"

    /// Once per process.
    package static func require() throws { try built.get() }

    private static let built = Result { try build() }

    private static func build() throws {
        let tree = Products.parent(of: Products.policies)
        // A copy of the build for another user comes without sources.
        if access(tree + "/sandbox/python", F_OK) != 0, access(path, R_OK) == 0 { return }
        let sources = try names(in: tree + "/sandbox/python").filter { $0.hasSuffix(".c") }.map { tree + "/sandbox/python/" + $0 }
        let core = ["parked_program", "spec_reader", "descriptors"].map { tree + "/sandbox/core/\($0).c" }
        guard (sources + core).contains(where: { isNewer($0) }) else { return }
        let fresh = path + ".\(getpid())"
        let ended = try BareProcess.run(
            ["/usr/bin/cc", "-std=gnu17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,defs"]
                + ["abi", "core"].map { "-I\(tree)/sandbox/\($0)/include" } + ["-o", fresh] + sources + core, seconds: 120)
        guard ended.code == 0, rename(fresh, path) == 0 else { throw NotBuilt(why: ended.errorOutput) }
    }

    private static func isNewer(_ source: String) -> Bool {
        var (made, written) = (stat(), stat())
        guard stat(path, &made) == 0, stat(source, &written) == 0 else { return true }
        return written.st_mtim.tv_sec > made.st_mtim.tv_sec
    }

    private static func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw SystemError(errno: errno, operation: "opendir", object: directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.sorted()
    }
}
