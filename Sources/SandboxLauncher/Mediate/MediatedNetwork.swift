internal import Glibc
internal import LinuxPrimitives

/// connect and bind of a tool whose network is brokered: gets hold of the socket and of the address, once, and hands the
/// result over.
extension CallMediator {
    /// False only for a notification that has to be refused; true when it is answered, or nobody waits any more.
    mutating func mediate(
        _ call: NetworkCalls.Call, _ notification: SeccompNotification, _ caller: CallerView
    ) throws(CreatingCalls.Failure) -> Bool {
        if network.isPending(notification.id) {
            try give(network.proceed(notification.id), to: notification)
            return true
        }
        let socket = try self.socket(of: notification, caller)
        // Both came from a live caller only if it still waits now: its number may have been given to another process.
        guard (try? listener.isValid(notification.id)) == true else { return true }
        if socket.isInternet {
            try give(network.internet(call, socket, id: notification.id), to: notification)
        } else if socket.facts.family == AF_UNIX {
            try local(call, notification, socket, caller)
        } else {
            return false
        }
        return true
    }

    private func socket(
        of notification: SeccompNotification, _ caller: CallerView
    ) throws(CreatingCalls.Failure) -> CallerSocket {
        do {
            return try CallerSocket(
                Int32(truncatingIfNeeded: notification.arguments[0]), of: caller, addressAt: notification.arguments[1],
                length: Int32(truncatingIfNeeded: notification.arguments[2]))
        } catch {
            // The caller has gone, or made itself unreadable: it cannot be helped.
            throw .system(error.errno == ESRCH ? EPERM : error.errno)
        }
    }

    // MARK: - Unix sockets

    private mutating func local(
        _ call: NetworkCalls.Call, _ notification: SeccompNotification, _ socket: borrowing CallerSocket, _ caller: CallerView
    ) throws(CreatingCalls.Failure) {
        if socket.addressFamily == AF_UNSPEC, call == .connect, socket.facts.type == Int32(SOCK_DGRAM.rawValue) {
            let error = socket.socket.connect(socket.address) // forgets its peer; never waits
            if error != 0 { throw .system(error) }
            return answerDone(notification)
        }
        guard socket.addressFamily == AF_UNIX else { throw .system(EINVAL) }
        guard let path = CreatingCalls.path(ofLocal: socket.address) else { throw CreatingCalls.refusedAbstract(socket.address) }
        if call == .bind { try refuseWhenDiskIsFull(notification) }
        try prepare(caller)
        var replacement: BoundSocket?
        if let identity {
            try actAs(identity) { (mediator: inout CallMediator) throws(CreatingCalls.Failure) in
                replacement = try mediator.carryOut(call, socket, path, caller)
            }
        } else {
            replacement = try carryOut(call, socket, path, caller)
        }
        if let replacement { try give(.replace(replacement), to: notification) } else { answerDone(notification) }
    }

    private mutating func carryOut(
        _ call: NetworkCalls.Call, _ socket: borrowing CallerSocket, _ path: [UInt8], _ caller: CallerView
    ) throws(CreatingCalls.Failure) -> BoundSocket? {
        switch call {
        case .bind:
            try creating?.bindLocal(socket, to: path, caller: caller)
            return nil
        case .connect:
            guard let made = try creating?.connectLocal(socket, to: path, caller: caller, speakingAs: identity) else { return nil }
            return BoundSocket(made, for: socket)
        }
    }

    // MARK: - Answers

    private func answerDone(_ notification: SeccompNotification) {
        _ = try? listener.answer(notification.id, value: 0)
    }

    private func give(_ answer: NetworkCalls.Answer, to notification: SeccompNotification) throws(CreatingCalls.Failure) {
        if case .replace(let socket) = answer {
            do {
                let placed = try listener.insert(
                    notification.id, descriptor: socket.descriptor, closeOnExec: socket.closeOnExec, replacing: socket.number)
                guard placed != nil else { return } // nobody waits any more
            } catch {
                throw .system(error.errno)
            }
        }
        answerDone(notification)
    }
}
