internal import CapabilityLanguage
internal import StrictJSON

extension FileDerivation {
    /// What `workspace` stands for in the rules.
    struct Place {
        let parts: [ResourcePart]
        /// False: the rules' denials hold there, and nothing else is said of it.
        let isGranted: Bool
        let isWritable: Bool

        init(path: String, isGranted: Bool, isWritable: Bool) throws(PolicyError) {
            parts = try Self.parts(of: path, isGranted: isGranted)
            self.isGranted = isGranted
            self.isWritable = isWritable
        }

        /// A workspace that nobody has named: its parts are in no real path.
        static let unnamed = Place()

        private init() { (parts, isGranted, isWritable) = ([ResourcePart("")], true, true) }

        /// A rule over all of a workspace says nothing of a directory of the system, which is none: whoever starts a run from
        /// `/usr` does not mean to take every program away.
        func takes(_ rule: PolicyRule) -> Bool {
            isGranted || rule.effect != .allow && (rule.resource.parts.count > 1 || !SensitivePaths.isOfSystem(parts.map(\.text)))
        }

        private static func parts(of path: String, isGranted: Bool) throws(PolicyError) -> [ResourcePart] {
            func refuse(_ message: String) -> PolicyError {
                PolicyError(
                    file: ResolvedPolicy.commandLine, message: "the workspace `\(path)` \(message)",
                    mend: "name a directory by its absolute path")
            }
            guard path.utf8.first == UInt8(ascii: "/") else { throw refuse("is not absolute") }
            if isGranted, path.unicodeScalars.contains(where: isDangerousToPrint) { throw refuse("holds control characters") }
            // Bytes, not characters: `/` with a combining mark is a separator for the kernel.
            let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            if parts.contains("..") || parts.contains(".") { throw refuse("holds `.` or `..`") }
            if parts.isEmpty, isGranted { throw refuse("is the root of the file system") }
            return parts.map(ResourcePart.init)
        }
    }
}
