internal import Glibc

/// The processes of a cgroup directory, and their end.
internal enum ControlGroupProcesses {
    static func list(_ directory: Int32) throws(SystemError) -> [Int32] {
        let text = try SmallFile.text("cgroup.procs", in: directory)
        return text.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 }
    }

    /// Sends SIGKILL to every process that is inside now. What they fork meanwhile is not hit: call again until it is empty.
    static func kill(in directory: Int32) throws(SystemError) {
        // A number read from the file may belong to somebody else by the time we signal it. So: hold the processes first,
        // look again, and signal those that were inside after we held them.
        var held = HeldProcesses()
        for pid in try list(directory) { held.hold(pid) }
        held.kill(only: Set(try list(directory)))
    }

    private struct HeldProcesses: ~Copyable {
        private var processes: [(pid: Int32, pidfd: Int32)] = []

        mutating func hold(_ pid: Int32) {
            guard let handle = try? ProcessHandle(pid: pid) else { return } // it ended
            processes.append((pid, handle.takeDescriptor()))
        }

        func kill(only members: Set<Int32>) {
            for process in processes where members.contains(process.pid) {
                ProcessHandle.signal(pidfd: process.pidfd, SIGKILL)
            }
        }

        deinit {
            for process in processes { _ = Glibc.close(process.pidfd) }
        }
    }
}
