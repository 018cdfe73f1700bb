internal import SandboxPolicy

/// Landlock's access bits and what a policy's rights become in them. Values and ABI numbers: linux/landlock.h; kernel
/// versions: ABI 1 = 5.13, 2 = 5.19, 3 = 6.2, 4 = 6.7, 5 = 6.10, 6 = 6.12, 7 = 6.15, 8 = 7.0, 9 = 7.1.
package enum LandlockPlan {
    /// The highest ABI whose rights this code knows. A newer kernel is used at this level.
    package static let highestCodedABI: UInt32 = 9

    static let execute: UInt64 = 1 << 0
    static let writeFile: UInt64 = 1 << 1
    static let readFile: UInt64 = 1 << 2
    static let readDirectory: UInt64 = 1 << 3
    static let removeDirectory: UInt64 = 1 << 4
    static let removeFile: UInt64 = 1 << 5
    static let makeCharacterDevice: UInt64 = 1 << 6
    static let makeDirectory: UInt64 = 1 << 7
    static let makeRegular: UInt64 = 1 << 8
    static let makeSocket: UInt64 = 1 << 9
    static let makeFIFO: UInt64 = 1 << 10
    static let makeBlockDevice: UInt64 = 1 << 11
    static let makeSymlink: UInt64 = 1 << 12
    /// ABI 2: link or rename between directories.
    static let refer: UInt64 = 1 << 13
    /// ABI 3
    static let truncate: UInt64 = 1 << 14
    /// ABI 5
    static let ioctlDevice: UInt64 = 1 << 15
    /// ABI 9: connect to a unix socket by its path.
    static let resolveUnix: UInt64 = 1 << 16

    static let bindTCP: UInt64 = 1 << 0
    static let connectTCP: UInt64 = 1 << 1
    static let scopeAbstractUnix: UInt64 = 1 << 0
    static let scopeSignal: UInt64 = 1 << 1

    /// Everything that the ABI can handle is handled: what no rule grants is refused.
    static func access(hostABI: Int32, network: NetworkConfinement) -> LandlockAccess {
        let abi = min(UInt32(max(hostABI, 0)), highestCodedABI)
        var access = LandlockAccess(abi: abi)
        guard abi >= 1 else { return access }
        access.handledFiles = (1 << 13) - 1
        if abi >= 2 { access.handledFiles |= refer }
        if abi >= 3 { access.handledFiles |= truncate }
        if abi >= 5 { access.handledFiles |= ioctlDevice }
        if abi >= 9 { access.handledFiles |= resolveUnix }
        // With a loopback of its own the tool may use any port there; otherwise the second layer under the network namespace.
        // What the supervisor connects and binds on its behalf is not bound by these rules.
        if abi >= 4, network.loopback == nil || network.isBrokered { access.handledNetwork = bindTCP | connectTCP }
        if abi >= 6 { access.scoped = scopeAbstractUnix | scopeSignal }
        return access
    }

    /// Rights of a grant as access bits.
    ///
    /// - Parameter mediated: creating calls are done by the supervisor, so the tool itself needs no right to make names; what
    ///   the supervisor refuses, the kernel then refuses too.
    static func bits(for rights: FileRights, mediated: Bool) -> UInt64 {
        var bits: UInt64 = 0
        if rights.contains(.read) { bits |= readFile | readDirectory }
        if rights.contains(.execute) { bits |= execute }
        if rights.contains(.write) {
            bits |= writeFile | truncate | resolveUnix
            if !mediated { bits |= makeDirectory | makeRegular | makeSocket | makeFIFO | makeSymlink | refer }
        }
        if rights.contains(.delete) { bits |= removeFile | removeDirectory | (mediated ? 0 : refer) }
        return bits
    }

    /// One device node. Never on a directory: Landlock adds rights up, so those of a granted device could not be fewer.
    static let deviceBits = readFile | writeFile | truncate
    static let terminalBits = readFile | writeFile | readDirectory | ioctlDevice
    static let readOnlyBits = readFile | readDirectory

    /// Names of access bits in a fixed order, for explanations.
    package static func names(of bits: UInt64) -> [String] {
        let all = [
            "execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char", "make_dir", "make_reg", "make_sock",
            "make_fifo", "make_block", "make_sym", "refer", "truncate", "ioctl_dev", "resolve_unix",
        ]
        return all.enumerated().compactMap { bits & (1 << UInt64($0.offset)) != 0 ? $0.element : nil }
    }
}
