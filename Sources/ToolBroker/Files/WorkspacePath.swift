package import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// A place in the workspace, made of an argument: relative, without `.` and `..`, never outside.
///
/// What it is made of is text alone; the file system is asked later, beneath the workspace and without following links.
package struct WorkspacePath: Sendable, Hashable, CustomStringConvertible {
    /// Empty: the workspace itself.
    package var components: [String]

    package init(components: [String]) { self.components = components }

    package var isRoot: Bool { components.isEmpty }
    /// For the kernel, relative to the workspace's descriptor.
    package var text: String { components.isEmpty ? "." : components.joined(separator: "/") }
    package var description: String { text }
    package var parent: WorkspacePath { WorkspacePath(components: Array(components.dropLast())) }

    package var resource: Resource { Resource(kind: .filesystem, parts: ["workspace"] + components, extent: .exact) }

    /// Resolves `path` against a directory of the workspace. `..` goes up as far as the workspace and not further.
    package static func resolve(_ path: String, in directory: String = ".") throws(ResourceProblem) -> WorkspacePath {
        var components: [String] = []
        for text in [directory, path] {
            try check(text)
            for part in text.utf8.split(separator: UInt8(ascii: "/")) {
                let name = String(decoding: part, as: UTF8.self)
                switch name {
                case ".": continue
                case "..":
                    if components.popLast() == nil {
                        throw ResourceProblem("`\(path)` leads out of the workspace", mend: "name a path below the workspace")
                    }
                default: components.append(name)
                }
            }
        }
        let result = WorkspacePath(components: components)
        if result.isRoot { return result }
        // The language of capabilities has the last word on what a name may hold; it must read back what was meant.
        let read = try Resource.parseAction("filesystem:workspace:" + result.text)
        guard read == result.resource else {
            throw ResourceProblem("`\(path)` does not read back as the path it is", mend: "use plainer names")
        }
        return result
    }

    /// The same for callers whose errors are the runtime's.
    package static func of(_ path: String, in directory: String) throws(LibOSError) -> WorkspacePath {
        do {
            return try resolve(path, in: directory)
        } catch {
            throw LibOSError(.validation, printable(error.message), mend: printable(error.mend))
        }
    }

    private static func check(_ text: String) throws(ResourceProblem) {
        if text.isEmpty { throw ResourceProblem("the path is empty", mend: "write . for the workspace itself") }
        if text.utf8.count > Resource.longestText {
            throw ResourceProblem("the path is longer than \(Resource.longestText) bytes", mend: "name a shorter path")
        }
        if text.utf8.first == UInt8(ascii: "/") {
            throw ResourceProblem("`\(text)` is absolute", mend: "paths are relative to the workspace: src/main.c")
        }
        if let scalar = text.unicodeScalars.first(where: { $0 == "\0" || isDangerousToPrint($0) }) {
            throw ResourceProblem(
                "the path holds the character U+" + String(scalar.value, radix: 16, uppercase: true), mend: "remove it")
        }
    }
}
