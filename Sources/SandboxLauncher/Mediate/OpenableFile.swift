internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives

/// Which files the supervisor opens on the tool's behalf.
///
/// An open file remembers who opened it. Kernel files then answer with the supervisor's capabilities, /dev/tty is its terminal,
/// and a device may take its network or its hardware rights: those a tool opens itself, without O_CREAT, or not at all.
enum OpenableFile {
    static func check(_ descriptor: Int32, _ identity: FileIdentity) throws(NameRules.Refusal) {
        if let reason = obstacle(descriptor, identity) {
            throw NameRules.Refusal(
                errno: EACCES, layer: "name-denial", reason: "\(reason) is not opened by the supervisor; the tool opens it without O_CREAT",
                allowedBy: nil, rule: nil)
        }
    }

    private static func obstacle(_ descriptor: Int32, _ identity: FileIdentity) -> String? {
        if identity.isRegularFile {
            guard let magic = try? PathResolution.fileSystemMagic(descriptor) else { return "a file on an unknown file system" }
            return kernelFileSystems.contains(magic) ? "a file of the kernel's" : nil
        }
        if identity.isFIFO { return nil }
        guard identity.isCharacterDevice else { return "a file that is neither regular nor a pipe" }
        return isHarmless(major: identity.deviceMajor, minor: identity.deviceMinor) ? nil : "this device"
    }

    /// null, zero, full, random, urandom; and the tool's ends of ptys.
    private static func isHarmless(major: UInt32, minor: UInt32) -> Bool {
        switch major {
        case 1: [3, 5, 7, 8, 9].contains(minor)
        case 136...143: true
        default: false
        }
    }

    /// Their files are calls into the kernel (linux/magic.h): proc, sysfs, debugfs, tracefs, securityfs, cgroup, cgroup2, bpf,
    /// configfs, selinuxfs, smackfs, efivarfs, fusectl, binfmt_misc, nsfs, pstore.
    private static let kernelFileSystems: Set<UInt32> = [
        0x9FA0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0x0027_E0EB, 0x6367_7270, 0xCAFE_4A11, 0x6265_6570, 0xF97C_FF8C,
        0x4341_5D53, 0xDE5E_81E4, 0x6573_5543, 0x4249_4E4D, 0x6E73_6673, 0x6165_676C,
    ]
}
