internal import CLinuxShims

/// The identity with which the calling thread opens files.
package enum ThreadFileIdentity {
    /// Runs `body` with another user's rights on files, without supplementary groups, on this thread alone; as root only.
    /// Nothing of `body` may suspend or move to another thread.
    package static func acting<Value: ~Copyable>(
        uid: UInt32, gid: UInt32, _ body: () throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let oldUser = gbx_thread_fsuid()
        let oldGroup = gbx_thread_fsgid()
        let groups = try SupplementaryGroups.ofThisThread()
        defer {
            // Root may always go back; a thread that kept the wrong identity would be worse than none.
            precondition(gbx_set_thread_fsuid(oldUser) == 0, "the thread cannot get its own file identity back")
            precondition(gbx_set_thread_fsgid(oldGroup) == 0, "the thread cannot get its own file identity back")
            precondition(gbx_set_thread_groups(groups.count, groups) == 0, "the thread cannot get its own groups back")
        }
        _ = try checked(gbx_set_thread_groups(0, nil), "setgroups")
        _ = try checked(gbx_set_thread_fsgid(gid), "setfsgid", "gid \(gid)")
        _ = try checked(gbx_set_thread_fsuid(uid), "setfsuid", "uid \(uid)")
        return try body()
    }

    /// The same, with effective ids as well: what the other side of a unix socket is told (SO_PEERCRED). The thread has no
    /// capability while `body` runs.
    package static func speaking<Value: ~Copyable>(
        uid: UInt32, gid: UInt32, _ body: () throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let oldUser = gbx_thread_effective_user()
        let oldGroup = gbx_thread_effective_group()
        return try acting(uid: uid, gid: gid) { () throws(SystemError) -> Value in
            defer {
                // The user first: only with it does the thread have the right to the rest.
                precondition(gbx_set_thread_effective_user(oldUser) == 0, "the thread cannot get its own identity back")
                precondition(gbx_set_thread_effective_group(oldGroup) == 0, "the thread cannot get its own identity back")
            }
            _ = try checked(gbx_set_thread_effective_group(gid), "setresgid", "gid \(gid)")
            _ = try checked(gbx_set_thread_effective_user(uid), "setresuid", "uid \(uid)")
            return try body()
        }
    }
}
