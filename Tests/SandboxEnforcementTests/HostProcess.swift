import Glibc

/// The test process itself, as a process of the host that no tool may reach.
enum HostProcess {
    static var pid: Int32 { getpid() }
}
