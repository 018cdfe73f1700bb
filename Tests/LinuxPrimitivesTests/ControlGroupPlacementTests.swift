internal import LinuxPrimitives
internal import Testing

@Suite struct ControlGroupPlacementTests {
    private static let v1Mounts = """
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    private func parse(cgroup: String, mountinfo: String) -> ControlGroupPlacement {
        .parse(cgroup: Array(cgroup.utf8), mountinfo: Array(mountinfo.utf8))
    }

    @Test func `v1 hierarchies, also on a hybrid host`() {
        let placement = parse(
            cgroup: "8:pids:/\n4:memory:/api/x\n1:cpu:/\n0::/system.slice\n", mountinfo: Self.v1Mounts)
        #expect(placement == .v1(memory: "/sys/fs/cgroup/memory/api/x", pids: "/sys/fs/cgroup/pids"))
        #expect(placement.name == "v1")
    }

    @Test func `controllers mounted together`() {
        let placement = parse(
            cgroup: "4:memory,pids:/a\n", mountinfo: "35 31 0:32 / /cg rw - cgroup cgroup rw,memory,pids\n")
        #expect(placement == .v1(memory: "/cg/a", pids: "/cg/a"))
    }

    @Test func `v2, with the mount showing a part of the hierarchy and a path with a space`() {
        let placement = parse(
            cgroup: "0::/docker/abc/tool\n",
            mountinfo: "41 31 0:38 /docker/abc /sys/fs/c\\040group rw master:3 shared:4 - cgroup2 none rw\n")
        #expect(placement == .v2("/sys/fs/c group/tool"))
    }

    @Test(arguments: [
        ("0::/../other", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 none rw", "not mounted where this process sees"),
        ("0::/elsewhere", "41 31 0:38 /docker /sys/fs/cgroup rw - cgroup2 none rw", "not mounted where this process sees"),
        ("0::/dockerized", "41 31 0:38 /docker /sys/fs/cgroup rw - cgroup2 none rw", "not mounted where this process sees"),
        ("0::/", "", "not mounted"),
        (
            "4:memory:/\n0::/", "35 31 0:32 / /m rw - cgroup cgroup rw,memory\n41 31 0:38 / /u rw - cgroup2 none rw",
            "only one of memory and pids"
        ),
        ("", "", "no cgroups"),
    ])
    func `what cannot be used has a reason`(cgroup: String, mountinfo: String, reason: String) {
        guard case .unavailable(let text) = parse(cgroup: cgroup, mountinfo: mountinfo) else {
            Issue.record("taken as usable")
            return
        }
        #expect(text.contains(reason))
    }
}
