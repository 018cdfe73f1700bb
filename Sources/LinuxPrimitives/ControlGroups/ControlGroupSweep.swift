internal import CLinuxShims
internal import Glibc

/// Removal of what supervisors that died left behind.
internal enum ControlGroupSweep {
    /// Kills and removes every group of ours below a hierarchy whose supervisor no longer lives. What resists (processes that
    /// are still ending, no permission) is left for the next sweep.
    static func run(_ hierarchy: ControlGroupHierarchy) {
        guard let names = try? DirectoryListing.names(hierarchy.descriptor.rawValue) else { return }
        for text in names {
            guard let name = ControlGroupName(text), !name.hasLivingOwner else { continue }
            let number = openat(hierarchy.descriptor.rawValue, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard number >= 0 else { continue }
            let directory = OwnedDescriptor(adopting: number)
            // A supervisor in another pid namespace looks dead from here, but holds the lock.
            guard gbx_try_lock(directory.rawValue) >= 0 else { continue }
            if (try? SmallFile.write("1", to: "cgroup.kill", in: directory.rawValue)) == nil {
                try? ControlGroupProcesses.kill(in: directory.rawValue)
            }
            try? hierarchy.remove(text)
        }
    }
}
