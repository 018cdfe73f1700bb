internal import Glibc

internal enum SupplementaryGroups {
    static func ofThisThread() throws(SystemError) -> [UInt32] {
        let count = try checked(libc(getgroups(0, nil)), "getgroups")
        var groups = [gid_t](repeating: 0, count: Int(count))
        let got = try checked(libc(getgroups(count, &groups)), "getgroups")
        return groups.prefix(Int(got)).map { UInt32($0) }
    }
}
