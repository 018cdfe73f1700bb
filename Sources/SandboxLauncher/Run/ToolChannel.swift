internal import Glibc
package import LinuxPrimitives
internal import Synchronization

/// The tool's end of a connected unix byte stream, which becomes its descriptor 3. The other end stays with whoever made the pair.
///
/// A stream, not packets: newline-delimited text is then what `read`, `fgets` and a shell's `read` expect it to be.
package final class ToolChannel: Sendable {
    /// Its number in the tool.
    package static let number: Int32 = 3
    /// The variable that tells the tool so.
    package static let variable = "GLOVEBOX_CHANNEL"

    private let end: Mutex<OwnedDescriptor?>
    private let started: @Sendable (_ toolPID: Int32?) -> Void

    /// - Parameters:
    ///   - end: the tool's end. It is closed here when the tool has it, so that its last holder is inside.
    ///   - started: called on the run's thread when the program has been executed, or has been handed the call while it waited. It is
    ///     given the pid of the tool's first process in our pid namespace; nil when that process has ended already. Called again, with
    ///     another pid, when a program that was to take the call over has ended before: nothing of the call had run then.
    package init(end: consuming OwnedDescriptor, started: @escaping @Sendable (_ toolPID: Int32?) -> Void) {
        self.end = Mutex(end)
        self.started = started
    }

    /// Lets our copy go. For runs that came to no start.
    package func close() { end.withLock { $0 = nil } }

    /// What the launcher asks of a channel, asked here for a program that runs already: a connected unix stream without a name, so that it
    /// leads to whoever made it and nowhere else.
    var isConnectedStream: Bool {
        guard let number = end.withLock({ $0.number }) else { return false }
        var peer = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let found = withUnsafeMutableBytes(of: &peer) { raw in
            raw.withMemoryRebound(to: sockaddr.self) { Glibc.getpeername(number, $0.baseAddress, &size) }
        }
        guard found == 0, size <= socklen_t(MemoryLayout<sa_family_t>.size), peer.sun_family == sa_family_t(AF_UNIX) else { return false }
        var type: Int32 = 0
        size = socklen_t(MemoryLayout<Int32>.size)
        return Glibc.getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == Int32(SOCK_STREAM.rawValue)
    }

    func duplicated() throws(SystemError) -> OwnedDescriptor {
        try end.withLock { (end: inout OwnedDescriptor?) throws(SystemError) in
            guard let number = end.number else { throw SystemError(errno: 9, operation: "a tool's channel", object: "already closed") }
            return try OwnedDescriptor.duplicating(number)
        }
    }

    /// - Parameters:
    ///   - initPID: the sandbox's init, in our pid namespace.
    ///   - innerPID: the tool's first process, as it is numbered inside.
    func toolStarted(initPID: Int32, innerPID: Int32) {
        close()
        started(Self.child(of: initPID, numbered: innerPID))
    }

    /// The program that takes the call over was running before. Our copy stays, since the call may still have to be launched anew.
    func takenOver(by pid: Int32?) { started(pid) }

    /// The init's child that has this number inside. No other process can have it: when the tool's first
    /// process ends, the init ends everything.
    static func child(of initPID: Int32, numbered innerPID: Int32) -> Int32? {
        guard let children = try? SmallFile.text("/proc/\(initPID)/task/\(initPID)/children") else { return nil }
        for word in children.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let pid = Int32(word), let status = try? SmallFile.text("/proc/\(pid)/status"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") }),
                let inner = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last
            else { continue }
            if Int32(inner) == innerPID { return pid }
        }
        return nil
    }
}
