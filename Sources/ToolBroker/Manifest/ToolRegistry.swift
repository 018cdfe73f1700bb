package import LibOSModel
internal import LinuxPrimitives
package import SandboxPolicy
internal import StrictJSON
internal import Synchronization

/// The tools of this host by name. Filled at start; reading it is cheap and safe from every thread.
package final class ToolRegistry: Sendable {
    private let tools = Mutex<[String: ToolManifest]>([:])

    package init() {}

    /// Adds one tool. A name that is taken is refused: what a name means must not depend on the order of files.
    package func register(_ manifest: ToolManifest) throws(PolicyError) {
        let other = tools.withLock { tools -> ToolManifest? in
            if let known = tools[manifest.name] { return known }
            tools[manifest.name] = manifest
            return nil
        }
        if let other {
            throw PolicyError(
                file: manifest.file, message: "there is a tool `\(manifest.name)` already, from \(other.file)", mend: "rename one of them")
        }
    }

    /// Every manifest of a directory (`*.yaml`), in the order of their names. The first broken one stops it.
    package func load(directory: String) throws(PolicyError) {
        let names: [String]
        do {
            let handle = try PathResolution.openDirectory(path: directory, resolve: [])
            names = try DirectoryListing.names(handle.rawValue).filter { $0.hasSuffix(".yaml") }.sorted(by: utf8Precedes)
        } catch {
            throw PolicyError(file: directory, message: "the directory of tool manifests cannot be read: \(error)", mend: "check its name")
        }
        for name in names { try register(try Self.read(directory + "/" + name)) }
    }

    package static func read(_ path: String) throws(PolicyError) -> ToolManifest {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path, limit: ToolManifest.bounds.bytes + 1)
        } catch {
            throw PolicyError(file: path, message: "the manifest cannot be read: \(error)", mend: "check its name and its size")
        }
        var directory: String?
        if let real = try? PathResolution.canonicalPath(path), let slash = real.utf8.lastIndex(of: UInt8(ascii: "/")) {
            directory = String(real[..<slash])
        }
        return try ToolManifest.read(bytes, fileName: path, directory: directory)
    }

    /// By the name's bytes: what Swift takes for the same text, the Kelvin sign for a K, is no tool's name.
    package func tool(named name: String) -> ToolManifest? {
        guard ToolManifest.isName(name) else { return nil }
        return tools.withLock { $0[name] }
    }

    package func tool(_ id: ToolID) -> ToolManifest? { tools.withLock { $0.values.first { $0.spec.id == id } } }

    /// Sorted by name, so that what a model is told is the same each time.
    package var all: [ToolManifest] { tools.withLock { $0.values.sorted { utf8Precedes($0.name, $1.name) } } }
}
