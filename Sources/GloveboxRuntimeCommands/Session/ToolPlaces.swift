internal import CommandOutput
internal import LinuxPrimitives
internal import StrictJSON
internal import ToolBroker

/// What tools consist of must not be theirs to change: a manifest or a program in the workspace would be tomorrow what an agent
/// wrote into it today, with the authority that a person gave to the name.
extension ToolRegistry {
    /// - Parameters:
    ///   - workspace: real path.
    ///   - shipped: directory of the tools that came with this program; who works on Glovebox itself has them in the workspace.
    func requireOutside(_ workspace: String, shipped: String?) throws(CommandFailure) {
        for tool in all {
            if let shipped, Self.isAtOrBelow(tool.file, shipped) { continue }
            for place in [tool.file] + tool.files {
                let real = Self.real(place)
                guard Self.isAtOrBelow(real, workspace) else { continue }
                throw .failed(
                    "the tool \(tool.name) consists of \(printable(real)), which lies in the workspace \(printable(workspace)), where "
                        + "agents could change what it does; keep tools outside of it")
            }
        }
    }

    /// Of what is not there yet, what is there of the way to it: an agent could make the rest.
    private static func real(_ path: String) -> String {
        var (place, rest) = (path, "")
        while true {
            if let real = try? PathResolution.canonicalPath(place) { return real + rest }
            guard let slash = place.utf8.lastIndex(of: UInt8(ascii: "/")), slash != place.startIndex else { return path }
            rest = place[slash...] + rest
            place = String(place[..<slash])
        }
    }

    private static func isAtOrBelow(_ path: String, _ directory: String) -> Bool {
        path.utf8.elementsEqual(directory.utf8) || path.utf8.starts(with: (directory + "/").utf8)
    }
}
