internal import LinuxPrimitives
internal import SandboxPolicy

/// Shipped policies for benchmarks, read from the `policies` directory given on the command line.
struct BenchmarkPolicies {
    let directory: String

    func resolved(_ name: String) throws -> ResolvedPolicy {
        let (bytes, file) = try read(name)
        return try PolicyLoader.load(bytes, fileName: file, loadParent: read)
    }

    private func read(_ name: String) throws -> (bytes: [UInt8], fileName: String) {
        let file = "\(directory)/\(name).yaml"
        return (try SmallFile.read(file), file)
    }
}
