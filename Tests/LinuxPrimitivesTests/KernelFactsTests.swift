internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import Testing

@Suite struct KernelFactsTests {
    @Test func `facts agree with what proc says`() throws {
        #expect(try KernelFacts.release + "\n" == SmallFile.text("/proc/sys/kernel/osrelease"))
        let status = try SmallFile.text("/proc/thread-self/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapEff:") })
        let bits = try #require(UInt64(line.dropFirst("CapEff:\t".count), radix: 16))
        #expect(KernelFacts.effectiveCapabilities() == bits)
        let limits = try SmallFile.text("/proc/self/limits")
        let open = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }).split(separator: " ")
        let limit = try #require(KernelFacts.limit(GBX_RLIMIT_NOFILE))
        #expect(String(limit.soft) == open[3] && String(limit.hard) == open[4])
        #expect(KernelFacts.limit(1000) == nil)
        let known = try SmallFile.text("/proc/sys/kernel/seccomp/actions_avail").split { $0 == " " || $0 == "\n" }
        #expect(KernelFacts.seccomp.killProcess == known.contains("kill_process"))
        #expect(KernelFacts.seccomp.userNotification == known.contains("user_notif"))
        #expect(KernelFacts.seccomp.log == known.contains("log"))
        #expect(gbx_seccomp_action_available(0x1234_0000) == 0)
    }

    @Test(
        arguments: [
            (nil, nil, nil, true, "no user namespaces"),
            (0, nil, nil, true, "max_user_namespaces"),
            (100, 0, nil, true, nil),
            (100, 0, nil, false, "unprivileged_userns_clone"),
            (100, 1, 1, false, "AppArmor"),
            (100, 1, 0, false, nil),
            (100, nil, nil, false, nil),
        ] as [(UInt64?, UInt64?, UInt64?, Bool, String?)])
    func `each switch against user namespaces is named`(
        maximum: UInt64?, clone: UInt64?, apparmor: UInt64?, asRoot: Bool, expected: String?
    ) throws {
        let facts = UserNamespaceFacts(maximum: maximum, unprivilegedClone: clone, apparmorRestricts: apparmor)
        let obstacle = facts.obstacle(asRoot: asRoot)
        if let expected {
            #expect(try #require(obstacle).contains(expected))
        } else {
            #expect(obstacle == nil)
        }
    }
}
