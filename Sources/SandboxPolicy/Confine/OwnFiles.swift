/// What every sandbox has of its own beside the grants. The launcher makes it and an explanation shows it, so both ask here.
extension Confinement {
    /// Whether programs in `/tmp` may be started. Who may run what the workspace holds could copy a program there anyway.
    package var runsFromTemporary: Bool { grants.contains { $0.isWorkspace && $0.rights.contains(.execute) } }

    /// What the tool may do in its own `/tmp` and `/dev/shm`, running apart.
    ///
    /// Landlock adds rights up along a path, through mount points: a grant there that may be written and not deleted takes deleting
    /// from the directory above it too.
    package var temporaryRights: FileRights {
        let keepsNames = grants.contains {
            Self.isTemporary($0.path) && $0.rights.contains(.write) && !$0.rights.contains(.delete)
        }
        return keepsNames ? [.read, .write] : [.read, .write, .delete]
    }

    /// In a directory of the sandbox's own, or the directory itself.
    package static func isTemporary(_ path: String) -> Bool {
        // By bytes, as the kernel compares: with a mark behind it that combines, a slash is no character of its own.
        let slashed = (path + "/").utf8
        return slashed.starts(with: "/tmp/".utf8) || slashed.starts(with: "/dev/shm/".utf8)
    }

    /// Files below `/etc` that are written for each run; a grant of the same path takes the place of one.
    static let ownSettings = ["passwd", "group", "hosts", "nsswitch.conf", "resolv.conf"]

    /// Device nodes that programs cannot do without; each is bound from the host alone.
    package static let ownDevices = ["null", "zero", "full", "random", "urandom"]

    /// Whether a grant shows the host's own directory or file at a path.
    func showsHost(at path: String) -> Bool {
        grants.contains { $0.path == path || $0.subtree && path.utf8.starts(with: ($0.path + "/").utf8) }
    }

    /// Whether the calls that make names go to the supervisor wherever something may be written.
    package var writesAnything: Bool { grants.contains { !$0.rights.isDisjoint(with: [.write, .delete]) } }
}
