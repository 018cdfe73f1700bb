internal import CommandOutput
internal import Crypto
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import StrictJSON

/// Where the store of a workspace is.
struct StorePlace: Sendable, Equatable {
    /// As it was given, or the current directory; checked where it is used.
    var workspace: String
    var file: String

    var exists: Bool { (try? FileIdentity.of(path: file)) != nil }

    /// - Throws: a line for people when the workspace or the user's state directory cannot be told.
    static func of(workspace given: String?, store: String?) throws(CommandFailure) -> StorePlace {
        let workspace = try canonical(given ?? ".")
        if let store { return StorePlace(workspace: workspace, file: store) }
        guard let state = stateDirectory() else {
            throw .failed("neither XDG_STATE_HOME nor HOME is an absolute path, so the store has no place; name one with --store FILE")
        }
        return StorePlace(workspace: workspace, file: "\(state)/glovebox/\(name(of: workspace))/store.sqlite")
    }

    /// Names the directory of a workspace's store: 16 hexadecimal digits of the SHA-256 of its real path.
    static func name(of workspace: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in SHA256.hash(data: Array(workspace.utf8)).prefix(8) {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Makes the directories above the store's own, for their owner alone; the store makes its own.
    func makeParents() throws(CommandFailure) {
        let own = Self.parent(of: file)
        var missing: [String] = []
        var place = Self.parent(of: own)
        while place.utf8.count > 1, (try? FileIdentity.of(path: place)) == nil {
            missing.append(place)
            place = Self.parent(of: place)
        }
        for directory in missing.reversed() where mkdir(directory, 0o700) != 0 {
            let code = errno
            if code == EEXIST { continue }
            throw .failed("\(printable(directory)) cannot be made: \(String(cString: strerror(code))); name a store with --store FILE")
        }
    }

    /// Refuses a store that tools could reach: what is below the workspace is theirs.
    func requireOutside(_ root: String) throws(CommandFailure) { try Self.requireOutside(file, called: "the store", root) }

    /// Refuses a file of the user's own below a workspace.
    static func requireOutside(_ file: String, called what: String, _ root: String) throws(CommandFailure) {
        // Of a directory that is still to be made, what is there already decides.
        var place = parent(of: file)
        while (try? FileIdentity.of(path: place)) == nil, place.utf8.count > 1 { place = parent(of: place) }
        guard let real = try? PathResolution.canonicalPath(place) else { return }
        // Byte by byte: to a comparison of characters, a slash before a combining mark is no slash.
        if real.utf8.elementsEqual(root.utf8) || real.utf8.starts(with: (root + "/").utf8) {
            throw .failed(
                "\(what) \(printable(file)) lies in the workspace \(printable(root)), where tools could reach it; name a file outside")
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func canonical(_ path: String) throws(CommandFailure) -> String {
        do throws(SystemError) {
            return try PathResolution.canonicalPath(path)
        } catch {
            throw .failed("the workspace \(printable(path)) cannot be used (\(error.symbol)); name a directory with --workspace DIR")
        }
    }

    private static func stateDirectory() -> String? {
        func absolute(_ name: String) -> String? {
            guard let value = getenv(name), let text = String(validatingCString: value), text.hasPrefix("/") else { return nil }
            return text
        }
        return absolute("XDG_STATE_HOME") ?? absolute("HOME").map { $0 + "/.local/state" }
    }
}
