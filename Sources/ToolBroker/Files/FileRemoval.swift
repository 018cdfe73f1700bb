internal import Glibc
package import LibOSModel
internal import LinuxPrimitives

extension WorkspaceFiles {
    /// Makes a directory; its parent must exist. False when it was there already.
    @discardableResult
    package func makeDirectory(_ place: WorkspacePath, mayExist: Bool) throws(LibOSError) -> Bool {
        guard let name = place.components.last else {
            if mayExist { return false }
            throw LibOSError(.validation, "the workspace itself exists already")
        }
        do throws(SystemError) {
            return try acting { () throws(SystemError) in
                let directory = try open(place.parent, flags: O_RDONLY | O_DIRECTORY)
                if mkdirat(directory.rawValue, name, 0o755) == 0 { return true }
                let number = Glibc.errno
                if number == EEXIST, mayExist, try FileIdentity.ifPresent(name: name, at: directory.rawValue)?.isDirectory == true {
                    return false
                }
                throw SystemError(errno: number, operation: "mkdir", object: place.text)
            }
        } catch {
            throw explained(error, place)
        }
    }

    /// Deletes a file, or a link by its own name. Never a directory.
    package func deleteFile(_ place: WorkspacePath) throws(LibOSError) {
        guard let name = place.components.last else { throw Self.rootStays }
        do throws(SystemError) {
            try acting { () throws(SystemError) in
                let directory = try open(place.parent, flags: O_RDONLY | O_DIRECTORY)
                if unlinkat(directory.rawValue, name, 0) != 0 {
                    throw SystemError(errno: Glibc.errno, operation: "unlink", object: place.text)
                }
            }
        } catch {
            throw explained(error, place)
        }
    }

    /// Deletes a directory; with `recursive` all of `contents` first, in the order given.
    package func deleteDirectory(_ place: WorkspacePath, contents: [WorkspacePath]) throws(LibOSError) {
        guard let name = place.components.last else { throw Self.rootStays }
        for inner in contents { try deleteEntry(inner) }
        do throws(SystemError) {
            try acting { () throws(SystemError) in
                let directory = try open(place.parent, flags: O_RDONLY | O_DIRECTORY)
                if unlinkat(directory.rawValue, name, AT_REMOVEDIR) != 0 {
                    throw SystemError(errno: Glibc.errno, operation: "rmdir", object: place.text)
                }
            }
        } catch {
            throw explained(error, place)
        }
    }

    /// Everything below a directory, children before their parents: what a recursive deletion would take. Links are entries, they are
    /// not followed.
    package func contents(of place: WorkspacePath) throws(LibOSError) -> [WorkspacePath] {
        var result: [WorkspacePath] = []
        try collect(place, into: &result)
        return result
    }

    private func collect(_ place: WorkspacePath, into result: inout [WorkspacePath]) throws(LibOSError) {
        if place.components.count > 64 { throw LibOSError(.limit, "\(place) is nested too deep to be deleted in one call") }
        let (entries, isCut) = try list(place, most: Self.longestListing)
        for entry in entries {
            let inner = WorkspacePath(components: place.components + [entry.name])
            if entry.kind == "directory" { try collect(inner, into: &result) }
            result.append(inner)
        }
        if isCut || result.count > Self.longestListing {
            throw LibOSError(.limit, "\(place) holds more than \(Self.longestListing) names", mend: "delete parts of it first")
        }
    }

    private func deleteEntry(_ place: WorkspacePath) throws(LibOSError) {
        guard let name = place.components.last else { throw Self.rootStays }
        do throws(SystemError) {
            try acting { () throws(SystemError) in
                let directory = try open(place.parent, flags: O_RDONLY | O_DIRECTORY)
                if unlinkat(directory.rawValue, name, 0) == 0 || Glibc.errno == ENOENT { return }
                guard Glibc.errno == EISDIR || Glibc.errno == EPERM, unlinkat(directory.rawValue, name, AT_REMOVEDIR) == 0 else {
                    throw SystemError(errno: Glibc.errno, operation: "unlink", object: place.text)
                }
            }
        } catch {
            throw explained(error, place)
        }
    }

    private static var rootStays: LibOSError {
        .denied(Denial(layer: .sandbox, rule: "the workspace's root stays", reason: "the workspace itself is never deleted"))
    }
}
