internal import Glibc
internal import LinuxPrimitives
internal import TestSupport

/// Where the programs under test stand: beside the running test binary, in a build folder as in a copy of it.
package enum Products {
    /// Folder of the running test binary.
    package static let directory: String = {
        let program = HostFile.linkTarget("/proc/self/exe")
        precondition(program != nil, "/proc/self/exe cannot be read")
        return parent(of: program ?? "")
    }()

    package static let launcher = directory + "/glovebox-launcher"
    package static let probe = directory + "/sandbox-probe"
    package static let glovebox = directory + "/glovebox"

    /// The shipped policies: in the nearest folder above the binary, or else in the tree that the tests were built from.
    package static let policies: String = {
        var place = directory
        while !place.isEmpty {
            if access(place + "/policies/runtime.yaml", R_OK) == 0 { return place + "/policies" }
            place = parent(of: place)
        }
        return parent(of: parent(of: parent(of: #filePath))) + "/policies"
    }()

    /// Folder of the Swift runtime, which SwiftPM links into C programs too. Nil when it is part of the system.
    package static let runtimeDirectory: String? = {
        guard let bytes = try? SmallFile.read("/proc/self/maps", limit: 16 << 20) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasSuffix("/libswiftCore.so") {
            guard let start = line.firstIndex(of: "/") else { continue }
            let folder = parent(of: String(line[start...]))
            return folder.hasPrefix("/usr/") || folder.hasPrefix("/lib") ? nil : folder
        }
        return nil
    }()

    /// What a program under test needs in its environment to find that runtime when the test binary itself was told where it is.
    package static let environment: [String: String] = {
        guard let path = getenv("LD_LIBRARY_PATH"), let runtimeDirectory else { return [:] }
        return String(cString: path).split(separator: ":").contains { $0 == runtimeDirectory } ? ["LD_LIBRARY_PATH": runtimeDirectory] : [:]
    }()

    static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
