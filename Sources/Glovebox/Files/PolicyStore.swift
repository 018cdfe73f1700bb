internal import CapabilityLanguage
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
package import SandboxPolicy

/// Finds policies on disk, by name or by path, and reads them with their parents.
///
/// A name is looked for among the shipped policies and in the directories of users; a shipped name has one meaning on every
/// machine, so a user's file that takes one is an error and never wins. A text with a `/`, or ending in .yaml, .yml or .json,
/// is a path and read as given.
package struct PolicyStore: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var path: String
        package var isShipped: Bool
    }

    /// Searched in order after the shipped directory. Absent ones are skipped.
    package var userDirectories: [String]
    /// nil when none was found: then only paths and user policies work.
    package var shippedDirectory: String?

    static let endings = [".yaml", ".yml", ".json"]
    /// Levels above the program's directory where a build tree's `policies/` is looked for.
    static let buildTreeLevels = 6

    /// Of shipped policies.
    package var compiled: CompiledPolicyStore

    package init(
        userDirectories: [String], shippedDirectory: String?,
        compiled: CompiledPolicyStore = CompiledPolicyStore(directories: [], build: nil)
    ) {
        self.userDirectories = userDirectories
        self.shippedDirectory = shippedDirectory
        self.compiled = compiled
    }

    /// The places of this host: `$XDG_CONFIG_HOME/glovebox/policies` (`~/.config` without it), `/etc/glovebox/policies`, and what
    /// was installed or built with the running program.
    package static func standard() -> PolicyStore {
        let directory = programDirectory()
        let users = userDirectories(configuration: absolute(getenv("XDG_CONFIG_HOME")), home: absolute(getenv("HOME")))
        return PolicyStore(
            userDirectories: users, shippedDirectory: shipped(programDirectory: directory),
            compiled: .standard(programDirectory: directory))
    }

    /// Where a user's own policies are, for these values of XDG_CONFIG_HOME and HOME; what is no absolute path counts as not set.
    package static func userDirectories(configuration: String?, home: String?) -> [String] {
        var users: [String] = []
        if let configuration, configuration.hasPrefix("/") {
            users.append(configuration + "/glovebox/policies")
        } else if let home, home.hasPrefix("/") {
            users.append(home + "/.config/glovebox/policies")
        }
        users.append("/etc/glovebox/policies")
        return users
    }

    /// `../share/glovebox/policies` of an installation, seen from `bin` or from `libexec/glovebox`, or `policies/` of the build tree
    /// that the program lies in.
    package static func shipped(programDirectory: String?) -> String? {
        guard var directory = programDirectory else { return nil }
        for prefix in [parent(of: directory), parent(of: parent(of: directory))] {
            let installed = prefix + "/share/glovebox/policies"
            if exists(installed + "/runtime.yaml") { return installed }
        }
        for _ in 0...buildTreeLevels {
            if exists(directory + "/policies/runtime.yaml") { return directory + "/policies" }
            directory = parent(of: directory)
        }
        return nil
    }

    // MARK: - Reading

    /// The policy with everything that it inherits.
    package func load(_ reference: String) throws(PolicyError) -> ResolvedPolicy {
        let place = try locate(reference)
        return try load(
            PolicyFile.read(place.path, mustBeOurs: place.mustBeOurs), fileName: place.shown,
            beside: Self.isPath(reference) ? Self.parent(of: place.path) : nil)
    }

    /// The same from text; parents are looked for by name, last in the directory `beside`.
    package func load(_ bytes: [UInt8], fileName: String, beside directory: String? = nil) throws(PolicyError) -> ResolvedPolicy {
        try PolicyLoader.load(bytes, fileName: fileName) { name in
            let place = try find(name, beside: directory)
            return (try PolicyFile.read(place.path, mustBeOurs: place.mustBeOurs), place.shown)
        }
    }

    /// The file behind a name or path.
    struct Place {
        var path: String
        /// How messages name it.
        var shown: String
        /// Found by name where users put files: then only this user and root may have put it there.
        var mustBeOurs: Bool
        var isShipped = false
    }

    func locate(_ reference: String) throws(PolicyError) -> Place {
        if Self.isPath(reference) { return Place(path: reference, shown: reference, mustBeOurs: false) }
        return try find(reference, beside: nil)
    }

    package static func isPath(_ reference: String) -> Bool {
        reference.contains("/") || endings.contains { reference.hasSuffix($0) }
    }

    func find(_ name: String, beside directory: String?) throws(PolicyError) -> Place {
        guard Self.isName(name) else {
            throw PolicyError(
                file: "policy `\(name)`", message: "that is no name of a policy", mend: "use a-z, 0-9, `-`, `_` and `.`, or give a path")
        }
        let shipped = shippedDirectory.flatMap { Self.file(name, in: $0) }
        let users = userDirectories.compactMap { Self.file(name, in: $0) }
        if let shipped {
            if let shadow = users.first {
                throw PolicyError(
                    file: shadow, message: "the file takes the name of the shipped policy `\(name)`",
                    mend: "rename it, and its `name:`; the shipped one is \(shipped)")
            }
            return Place(path: shipped, shown: Self.lastName(of: shipped), mustBeOurs: false, isShipped: true)
        }
        if let found = users.first { return Place(path: found, shown: found, mustBeOurs: true) }
        if let directory, let found = Self.file(name, in: directory) { return Place(path: found, shown: found, mustBeOurs: false) }
        let known = list().map(\.name)
        let mend: String
        if let near = NearestWord.suggestion(for: name, among: known) {
            mend = "did you mean `\(near)`?"
        } else if known.isEmpty {
            mend = "no policies were found at all; install Glovebox with `make install`, or give a path"
        } else {
            mend = "known are: \(known.joined(separator: ", ")); a file is named by a path, for example ./\(name).yaml"
        }
        throw PolicyError(file: "policy `\(name)`", message: "there is no policy of this name", mend: mend)
    }

    // MARK: - Listing

    /// Every policy that has a name, shipped ones first, each group sorted. A file that cannot be used is listed too.
    package func list() -> [Entry] {
        var entries: [Entry] = []
        func add(_ directory: String, isShipped: Bool) {
            guard let handle = try? PathResolution.openDirectory(path: directory, resolve: .ordinary),
                let files = try? DirectoryListing.names(handle.rawValue)
            else { return }
            for file in files.sorted() {
                guard let ending = Self.endings.first(where: { file.hasSuffix($0) }) else { continue }
                let name = String(file.dropLast(ending.count))
                if entries.contains(where: { $0.name == name }) || !Self.isName(name) { continue }
                entries.append(Entry(name: name, path: directory + "/" + file, isShipped: isShipped))
            }
        }
        if let shippedDirectory { add(shippedDirectory, isShipped: true) }
        for directory in userDirectories { add(directory, isShipped: false) }
        return entries
    }

    // MARK: - Paths

    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "."), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-_.".utf8.contains($0)
        }
    }

    private static func file(_ name: String, in directory: String) -> String? {
        endings.lazy.map { "\(directory)/\(name)\($0)" }.first(where: exists)
    }

    static func exists(_ path: String) -> Bool { (try? FileIdentity.of(path: path)) != nil }

    private static func absolute(_ value: UnsafeMutablePointer<CChar>?) -> String? {
        guard let value, let text = String(validatingCString: value), text.hasPrefix("/") else { return nil }
        return text
    }

    private static func programDirectory() -> String? {
        // The kernel names the file itself: there is no link left in it.
        (try? HostPath.readLink("/proc/self/exe")).map(parent(of:))
    }

    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    private static func lastName(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }
}
