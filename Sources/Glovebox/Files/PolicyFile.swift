internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON

/// Reads a policy file that only its owner can have written.
enum PolicyFile {
    /// One more than the parser takes, so that the parser is who says that a document is too large.
    private static let limit = DocumentBounds.policy.bytes + 1

    /// - Parameter mustBeOurs: also refuses files of other users than root and the running one.
    static func read(_ path: String, mustBeOurs: Bool) throws(PolicyError) -> [UInt8] {
        let identity: FileIdentity
        let bytes: [UInt8]
        do throws(SystemError) {
            // O_NONBLOCK: a FIFO at this place must not keep us waiting for a writer.
            let file = try PathResolution.open(path: path, flags: O_RDONLY | O_NONBLOCK, resolve: .ordinary)
            identity = try FileIdentity.of(file.rawValue)
            bytes = identity.isRegularFile ? try Transfer.readAll(file.rawValue, limit: limit) : []
        } catch {
            throw PolicyError(file: path, message: "the policy cannot be read (\(error.symbol))", mend: mend(error))
        }
        if let problem = problem(identity, path: path, ownedBy: mustBeOurs ? geteuid() : nil) { throw problem }
        return bytes
    }

    /// Why what stands at a policy's place is not taken for one.
    static func problem(_ identity: FileIdentity, path: String, ownedBy user: UInt32?) -> PolicyError? {
        guard identity.isRegularFile else {
            return PolicyError(file: path, message: "is no regular file", mend: "name a policy file")
        }
        if let user, identity.uid != 0, identity.uid != user {
            return PolicyError(
                file: path, message: "this policy belongs to another user (\(identity.uid))",
                mend: "make it yours, or give its path instead of its name")
        }
        if identity.mode & 0o002 != 0 {
            return PolicyError(
                file: path, message: "everybody may write this policy, so it protects nobody", mend: "run: chmod o-w \(path)")
        }
        // A group with the owner's own number is the owner's private group (Debian's USERGROUPS).
        if identity.mode & 0o020 != 0, identity.gid != identity.uid {
            return PolicyError(
                file: path, message: "the group \(identity.gid) may write this policy", mend: "run: chmod g-w \(path)")
        }
        return nil
    }

    private static func mend(_ error: SystemError) -> String {
        switch error.errno {
        case ENOENT, ENOTDIR: "check the path; a name without `/` and .yaml is looked for among the installed policies"
        case EACCES, EPERM: "make it readable for this user"
        case EFBIG: "a policy has at most \(DocumentBounds.policy.bytes) bytes"
        case ELOOP: "its links form a circle"
        default: "check the path"
        }
    }
}
