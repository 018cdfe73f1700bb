internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives

/// The sandbox's names from outside: walks paths in the sandbox's own mount tree, from its root, never above it.
struct SandboxNames: ~Copyable {
    private let root: OwnedDescriptor

    init(root: consuming OwnedDescriptor) {
        self.root = root
    }

    /// A name that is about to be used: the open directory that holds it, its last component, and its real path.
    struct Place: ~Copyable {
        let directory: OwnedDescriptor
        /// Real path of the directory inside the sandbox, no link on it, ending without a slash (empty for the root).
        let parent: String
        let name: [UInt8]
        /// The path ended in a slash: only a directory may stand or come there.
        let wantsDirectory: Bool
        /// The path is valid UTF-8, so that `path` names it exactly.
        let isText: Bool

        var path: String { parent + "/" + String(decoding: name, as: UTF8.self) }

        /// Runs `body` with the name as a C string.
        func withName<Value, Failure: Error>(_ body: (UnsafePointer<CChar>) throws(Failure) -> Value) throws(Failure) -> Value {
            try body(name.map(CChar.init(bitPattern:)) + [0])
        }
    }

    /// Walks everything but the last component, following links inside the sandbox's root. `.` and `..` as the last component
    /// are refused with the errno that the kernel has for the call.
    func place(
        of path: [UInt8], from base: @autoclosure () throws(SystemError) -> [UInt8], dotted: Int32
    ) throws(SystemError) -> Place {
        guard !path.isEmpty else { throw SystemError(errno: ENOENT, operation: "resolve") }
        let slash = UInt8(ascii: "/")
        var absolute = path[0] == slash ? path : try base() + [slash] + path
        var wantsDirectory = false
        while absolute.count > 1, absolute.last == slash {
            absolute.removeLast()
            wantsDirectory = true
        }
        guard let cut = absolute.lastIndex(of: slash), absolute.count > 1 else { throw SystemError(errno: dotted, operation: "resolve") }
        let name = Array(absolute[(cut + 1)...])
        guard name != [UInt8(ascii: ".")], name != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
            throw SystemError(errno: dotted, operation: "resolve")
        }
        guard name.count <= 255 else { throw SystemError(errno: ENAMETOOLONG, operation: "resolve") }
        let directory = try openDirectory(cut == 0 ? [slash] : Array(absolute[..<cut]))
        let real = try CallerView.readLink(Array("/proc/self/fd/\(directory.rawValue)".utf8))
        // A path that is no valid UTF-8 compares as its repaired form: it can only match a denial by meaning it.
        let parent = real == [slash] ? "" : String(decoding: real, as: UTF8.self)
        let isText =
            parent.utf8.elementsEqual(real == [slash] ? [] : real) && String(decoding: name, as: UTF8.self).utf8.elementsEqual(name)
        return Place(directory: directory, parent: parent, name: name, wantsDirectory: wantsDirectory, isText: isText)
    }

    private func openDirectory(_ path: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let resolve = GBX_RESOLVE_IN_ROOT | GBX_RESOLVE_NO_MAGICLINKS
        var result: Int32 = -EAGAIN
        for _ in 0..<64 where result == -EAGAIN || result == -EINTR { // EAGAIN: a rename raced with the walk
            result = gbx_openat2(root.rawValue, path.map(CChar.init(bitPattern:)) + [0], GBX_O_PATH | O_DIRECTORY, 0, resolve)
        }
        guard result >= 0 else { throw SystemError(errno: -result, operation: "openat2") }
        return OwnedDescriptor(adopting: result)
    }
}
