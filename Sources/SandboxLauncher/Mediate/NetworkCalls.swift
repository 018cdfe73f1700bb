internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Decides connect and bind, and does them for the tool: on a socket of the supervisor's that takes the place of the tool's own
/// where a grant leads out of the sandbox, on the tool's own socket where the call stays inside.
///
/// What the tool holds of the host's network is always connected, or bound to a granted port of the loopback. Such sockets are
/// known by their network namespace and are never connected or bound again: disconnected, they could listen on any port.
final class NetworkCalls {
    typealias Failure = CreatingCalls.Failure

    enum Call: Int32 {
        case connect = 42, bind = 49
    }

    enum Answer {
        /// The call was done on the caller's own socket.
        case done
        /// The descriptor goes to the caller at the number of its socket.
        case replace(any ReplacementSocket)
    }

    private let targets: NetworkTargets
    /// The supervisor's own network namespace; nil when the kernel does not tell, and then nothing is brokered.
    private lazy var hostNetwork: UInt64? = try? Socket.ownNetwork()
    /// A policy may take a call away altogether; its notification is then a refusal like any other.
    private lazy var permitted: Set<Int32> = {
        let allowed = (try? SyscallCatalogue.allowedCalls(syscalls)) ?? []
        return Set([("connect", Call.connect), ("bind", .bind)].filter { allowed.contains($0.0) }.map(\.1.rawValue))
    }()
    private let syscalls: SyscallRules
    /// Calls on unix sockets are decided here even where nothing of the network is brokered.
    private let mediatesLocal: Bool
    private var pending: [UInt64: any PendingConnection] = [:]

    init(_ targets: NetworkTargets, syscalls: SyscallRules, mediatesLocal: Bool) {
        self.targets = targets
        self.syscalls = syscalls
        self.mediatesLocal = mediatesLocal
    }

    deinit {
        for connection in pending.values { connection.abandon() }
    }

    /// Whether the notification is for this broker: nil means that it is to be refused.
    func call(_ number: Int32) -> Call? {
        guard let call = Call(rawValue: number), targets.isBrokered || mediatesLocal else { return nil }
        return permitted.contains(number) ? call : nil
    }

    // MARK: - Waiting

    func isPending(_ id: UInt64) -> Bool { pending[id] != nil }

    /// Looks again at a connection that is being made.
    func proceed(_ id: UInt64) throws(Failure) -> Answer {
        guard let connection = pending[id] else { throw .system(ECONNABORTED) }
        guard let answer = connection.look() else { throw .notYet }
        pending[id] = nil
        switch answer {
        case .failed(let error): throw .system(error)
        case .connected: return .done
        case .replaced:
            guard let brokered = connection as? BrokeredConnection else { throw .system(ECONNABORTED) }
            return .replace(brokered)
        }
    }

    /// The caller no longer waits.
    func forget(_ id: UInt64) {
        pending.removeValue(forKey: id)?.abandon()
    }

    // MARK: - Internet addresses

    func internet(
        _ call: Call, _ caller: consuming CallerSocket, id: UInt64
    ) throws(Failure) -> Answer {
        guard let hostNetwork else { throw .system(EPERM) }
        let isUnspecifiedFamily = caller.addressFamily == AF_UNSPEC
        if caller.facts.network == hostNetwork {
            guard call == .connect else { throw .system(EINVAL) }
            throw isUnspecifiedFamily ? .refused(Self.disconnecting) : .system(EISCONN)
        }
        if isUnspecifiedFamily {
            guard call == .connect else { throw .system(EAFNOSUPPORT) }
            try succeed(caller.socket.connect(caller.address)) // ends a connection of its own; never waits
            return .done
        }
        let endpoint: InternetEndpoint
        do {
            endpoint = try InternetEndpoint(sockaddr: caller.address, socketFamily: caller.facts.family)
        } catch {
            throw .system(error == .short ? EINVAL : EAFNOSUPPORT)
        }
        switch call {
        case .connect: return try connect(caller, endpoint, id)
        case .bind: return try bind(caller, endpoint)
        }
    }

    private func connect(
        _ caller: consuming CallerSocket, _ endpoint: InternetEndpoint, _ id: UInt64
    ) throws(Failure) -> Answer {
        let target = InternetEndpoint(address: endpoint.address.asTarget, port: endpoint.port)
        guard caller.isStream else {
            // Datagrams exist with a loopback only, and their own network has nothing else. Connecting one never waits.
            guard targets.hasLoopback else { throw .refused(refusal(.connect, target)) }
            try succeed(caller.socket.connect(caller.address))
            return .done
        }
        if targets.hasLoopback, target.address.isLoopback {
            let address = caller.address
            guard let connection = OwnConnection(caller.takeSocket(), to: address) else { throw .system(EAGAIN) }
            pending[id] = connection
            return try proceed(id)
        }
        guard targets.allows(target) else { throw .refused(refusal(.connect, target)) }
        let family = caller.facts.family
        guard let address = target.sockaddr(family: family) else { throw .system(EAFNOSUPPORT) }
        let socket = try make(family)
        socket.takeStreamOptions(from: caller.socket)
        pending[id] = BrokeredConnection(socket, to: address, for: caller)
        return try proceed(id)
    }

    private func bind(_ caller: consuming CallerSocket, _ endpoint: InternetEndpoint) throws(Failure) -> Answer {
        let family = caller.facts.family
        guard caller.isStream, targets.listen.contains(endpoint.port) else {
            guard targets.hasLoopback else { throw .refused(refusal(.bind, endpoint)) }
            try succeed(caller.socket.bind(caller.address))
            return .done
        }
        let socket = try make(family)
        socket.reuseAddress()
        socket.takeStreamOptions(from: caller.socket)
        // `::` without IPV6_V6ONLY means both families; of the two loopbacks the one that everybody tries is 127.0.0.1.
        let isIPv6 = family == AF_INET6 && !endpoint.address.isV4 && (!endpoint.address.isUnspecified || caller.socket.isIPv6Only())
        let place = InternetEndpoint(address: isIPv6 ? .loopback6 : .loopback4, port: endpoint.port)
        guard let address = place.sockaddr(family: family) else { throw .system(EAFNOSUPPORT) }
        try succeed(socket.bind(address))
        do { try socket.setNonBlocking(caller.nonBlocking) } catch { throw .system(error.errno) }
        return .replace(BoundSocket(socket, for: caller))
    }

    private func make(_ family: Int32) throws(Failure) -> Socket {
        do {
            return try Socket(family: family, type: Int32(SOCK_STREAM.rawValue), protocolNumber: Int32(IPPROTO_TCP))
        } catch {
            throw .system(error.errno)
        }
    }

    private func succeed(_ error: Int32) throws(Failure) {
        if error != 0 { throw .system(error) }
    }

    // MARK: - Refusals

    private func refusal(_ call: Call, _ endpoint: InternetEndpoint) -> NameRules.Refusal {
        if call == .connect, let rule = targets.denial(of: endpoint) {
            let because = rule.because.map { " because \($0)" } ?? ""
            return NameRules.Refusal(
                errno: EACCES, layer: "network", reason: "\(endpoint) is denied\(because)",
                allowedBy: "remove `\(rule.text)` at \(rule.location)", rule: rule.location, arguments: "\(endpoint)")
        }
        let reason: String
        let line: String
        switch call {
        case .connect:
            line = "network:tcp:\(endpoint), rights: [connect]"
            if let name = targets.nameDropped(for: endpoint.address) {
                reason = "\(name) leads to \(endpoint.address), which only a grant of the address itself opens"
            } else {
                reason = "no grant names \(endpoint.address.policyText) and port \(endpoint.port)"
            }
        case .bind where endpoint.port == 0:
            line = "network:loopback, rights: [connect]"
            reason = "a port that the kernel chooses cannot be granted; the sandbox's own loopback has them all"
        case .bind:
            line = "network:listen:\(endpoint.port), rights: [listen]"
            reason = "no grant names port \(endpoint.port) for listening"
        }
        let quoted = line.split(separator: ",", maxSplits: 1).map(String.init)
        return NameRules.Refusal(
            errno: EACCES, layer: "network", reason: reason, allowedBy: "capabilities: [{allow: \"\(quoted[0])\",\(quoted[1])}]",
            rule: nil, arguments: "\(endpoint)")
    }

    private static let disconnecting = NameRules.Refusal(
        errno: EACCES, layer: "network",
        reason: "a connection that the supervisor made cannot be dissolved; close it and open a new socket", allowedBy: nil, rule: nil,
        arguments: "AF_UNSPEC")
}

/// A socket that takes the place of the caller's.
protocol ReplacementSocket: AnyObject {
    /// Ours.
    var descriptor: Int32 { get }
    /// The caller's.
    var number: Int32 { get }
    var closeOnExec: Bool { get }
}

extension BrokeredConnection: ReplacementSocket {}

/// A socket that is bound to a granted port, or connected to a local one.
final class BoundSocket: ReplacementSocket {
    private let socket: Socket
    let number: Int32
    let closeOnExec: Bool

    init(_ socket: consuming Socket, for caller: borrowing CallerSocket) {
        self.socket = socket
        number = caller.number
        closeOnExec = caller.closeOnExec
    }

    var descriptor: Int32 { socket.rawValue }
}
