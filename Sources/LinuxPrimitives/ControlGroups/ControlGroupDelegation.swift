internal import Glibc

/// What cgroup v2 asks before a group may hand memory and pids limits to groups below it: the controllers must be enabled
/// there, and no process may be in the group itself.
///
/// A supervisor that is alone in its cgroup (for example started by `systemd-run --user --scope -p Delegate=yes`) steps into a
/// group of its own below, and back when the pool shuts down. It never touches a group that holds anybody else.
internal struct ControlGroupDelegation: Sendable {
    /// The group we stepped into, or nil when nothing had to be done.
    private let ownGroup: ControlGroupDirectory?
    private let enabled: [String]

    static func prepare(_ hierarchy: ControlGroupHierarchy) throws(ControlGroupUnavailable) -> ControlGroupDelegation {
        let directory = hierarchy.descriptor.rawValue
        let needed: Set<String> = ["memory", "pids"]
        let missing = needed.subtracting(words("cgroup.controllers", in: directory)).sorted()
        guard missing.isEmpty else {
            throw ControlGroupUnavailable(
                reason: "\(hierarchy.path) has no \(missing.joined(separator: " and no ")) controller; delegate them to this "
                    + "process, for example: systemd-run --user --scope -p Delegate=yes glovebox …")
        }
        let absent = needed.subtracting(words("cgroup.subtree_control", in: directory)).sorted()
        if absent.isEmpty { return ControlGroupDelegation(ownGroup: nil, enabled: []) }

        guard (try? ControlGroupProcesses.list(directory)) == [getpid()] else {
            throw ControlGroupUnavailable(
                reason: "\(hierarchy.path) holds other processes, so cgroup v2 gives no limits below it; start the supervisor in "
                    + "a cgroup of its own, for example: systemd-run --user --scope -p Delegate=yes glovebox …")
        }
        do throws(SystemError) {
            let own = try ControlGroupDirectory(name: ControlGroupName.next().text, in: hierarchy)
            do throws(SystemError) {
                try own.write("0", to: "cgroup.procs")
                try SmallFile.write(absent.map { "+\($0)" }.joined(separator: " "), to: "cgroup.subtree_control", in: directory)
            } catch {
                try? SmallFile.write("0", to: "cgroup.procs", in: directory)
                try? own.remove()
                throw error
            }
            return ControlGroupDelegation(ownGroup: own, enabled: absent)
        } catch {
            throw ControlGroupUnavailable(reason: error.description)
        }
    }

    /// Steps back, once every group of ours is gone. Failing leaves the supervisor where it is, which harms nobody.
    func undo(_ hierarchy: ControlGroupHierarchy) {
        guard let ownGroup else { return }
        let directory = hierarchy.descriptor.rawValue
        try? SmallFile.write(enabled.map { "-\($0)" }.joined(separator: " "), to: "cgroup.subtree_control", in: directory)
        try? SmallFile.write("0", to: "cgroup.procs", in: directory)
        try? ownGroup.remove()
    }

    private static func words(_ file: String, in directory: Int32) -> Set<String> {
        let text = (try? SmallFile.text(file, in: directory)) ?? ""
        return Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}
