internal import AsyncHTTPClient
internal import Glibc
internal import LLMExecutor
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import StrictJSON

/// What went wrong between here and the server, in words for people. Nothing of a request is in them.
enum TransportFailure {
    static let cancelled = ChatFailure(ModelError(.cancelled, "the request was cancelled"), isTransient: false)

    /// - Parameter server: host and port.
    static func of(_ error: any Error, server: String, stallTimeout: Double) -> ChatFailure {
        let place = "the model server at \(server)"
        switch error {
        case is CancellationError: return cancelled
        case let error as HTTPClientError: return client(error, place, stallTimeout)
        case let error as NIOConnectionError: return unreachable(place, reason(of: error))
        case let error as IOError: return unavailable("the connection to \(place) broke: \(text(of: error))")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: return tls(error, place)
        case let error as HTTPParserError: return parser(error, place)
        case is StatusGuard.NoSuchStatus: return noHTTP(place)
        case is ChannelError: return unavailable("the connection to \(place) broke")
        default: return unavailable("\(place) could not be asked: \(printable(String(describing: type(of: error))))")
        }
    }

    private static func client(_ error: HTTPClientError, _ place: String, _ stallTimeout: Double) -> ChatFailure {
        switch error {
        case .cancelled: cancelled
        case .connectTimeout, .getConnectionFromPoolTimeout: unreachable(place, "no connection in time")
        case .tlsHandshakeTimeout: unreachable(place, "its TLS handshake did not end in time")
        case .readTimeout: timeout("\(place) sent nothing for \(stallTimeout) s")
        case .deadlineExceeded, .writeTimeout: timeout("\(place) did not answer in time")
        case .remoteConnectionClosed, .uncleanShutdown: unavailable("\(place) closed the connection before its answer was complete")
        default: ChatFailure(ModelError(.unavailable, "\(place) could not be asked: \(error.shortDescription)"), isTransient: false)
        }
    }

    private static func parser(_ error: HTTPParserError, _ place: String) -> ChatFailure {
        switch error {
        case .invalidEOFState, .closedConnection: unavailable("\(place) closed the connection before its answer was complete")
        case .headerOverflow: ChatFailure(ModelError(.malformed, "\(place) sends more headers than are taken"), isTransient: false)
        default: noHTTP(place)
        }
    }

    private static func noHTTP(_ place: String) -> ChatFailure {
        ChatFailure(ModelError(.malformed, "what \(place) sends is no HTTP; check the address and the port"), isTransient: false)
    }

    /// A certificate that is not trusted today is not trusted at the next try either.
    private static func tls(_ error: any Error, _ place: String) -> ChatFailure {
        if "\(error)".contains("CERTIFICATE_VERIFY_FAILED") {
            return ChatFailure(
                ModelError(
                    .configuration,
                    "the certificate of \(place) is not trusted on this machine; if it has an authority of its own, name that with "
                        + "GLOVEBOX_MODEL_CA_FILE"), isTransient: false)
        }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return ChatFailure(ModelError(.configuration, "the certificate of \(place) is for another name"), isTransient: false)
        }
        if let error = error as? NIOSSLError, case .uncleanShutdown = error {
            return unavailable("\(place) closed the connection before its answer was complete")
        }
        return ChatFailure(
            ModelError(.unavailable, "no TLS connection to \(place) could be made; check that it speaks https"), isTransient: false)
    }

    private static func reason(of error: NIOConnectionError) -> String {
        for failure in error.connectionErrors {
            if let error = failure.error as? IOError { return text(of: error) }
            if let error = failure.error as? ChannelError, case .connectTimeout = error { return "no connection in time" }
        }
        return error.dnsAError == nil && error.dnsAAAAError == nil ? "no connection" : "its name has no address"
    }

    private static func text(of error: IOError) -> String { String(cString: strerror(error.errnoCode)) }

    private static func unreachable(_ place: String, _ reason: String) -> ChatFailure {
        unavailable("\(place) cannot be reached: \(reason); check that it runs, and its address")
    }

    private static func unavailable(_ message: String) -> ChatFailure { ChatFailure(ModelError(.unavailable, message), isTransient: true) }
    private static func timeout(_ message: String) -> ChatFailure { ChatFailure(ModelError(.timeout, message), isTransient: true) }
}
