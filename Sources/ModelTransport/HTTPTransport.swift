internal import AsyncHTTPClient
package import LLMExecutor
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Chat exchanges over HTTP/1.1. Every connection is closed when the scope ends that made the transport.
///
/// Sockets of the library are not made close-on-exec. That harms nobody here: what the runtime starts is spawned with every
/// descriptor closed but its own.
package final class HTTPTransport: ChatTransport {
    /// Seconds for name, connection and TLS together.
    private static let connectTimeout: Int64 = 10

    private let client: HTTPClient
    private let stallTimeout: Double
    private let allowsPlainHTTP: Bool

    /// Makes a transport, does the work with it, and closes it, however the work ends.
    ///
    /// - Throws: `ModelError` when the settings name authorities that cannot be read, and what `body` throws.
    package static func with<Value>(_ settings: ChatSettings, _ body: (HTTPTransport) async throws -> Value) async throws -> Value {
        let transport = try HTTPTransport(settings)
        do {
            let value = try await body(transport)
            await transport.close()
            return value
        } catch {
            await transport.close()
            throw error
        }
    }

    private init(_ settings: ChatSettings) throws(ModelError) {
        stallTimeout = settings.stallTimeout
        allowsPlainHTTP = settings.allowsPlainHTTP
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.tls(authorities: settings.authorities), redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(Self.connectTimeout), read: .milliseconds(Int64(settings.stallTimeout * 1000))),
            proxy: nil, decompression: .disabled)
        configuration.httpVersion = .http1Only
        // The client decides which failures are tried again, and tells of them.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { StatusGuard.install(in: $0) }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func close() async {
        let client = client
        // It fails when requests are under way, which it ends.
        let ending = Task.detached { _ = try? await client.shutdown() }
        // A connection that is still being made ends with its own time only; who was told to stop does not wait for that.
        if !Task.isCancelled { await ending.value }
    }

    private static func tls(authorities: String?) throws(ModelError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        guard let authorities else { return configuration }
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(authorities)
            if certificates.isEmpty { throw NIOSSLError.failedToLoadCertificate }
            configuration.trustRoots = .certificates(certificates)
        } catch {
            throw ModelError(
                .configuration, "the authorities \(authorities) (GLOVEBOX_MODEL_CA_FILE) cannot be read; name a file of certificates in PEM"
            )
        }
        return configuration
    }

    package func send(_ exchange: ChatExchange, _ reader: ChatReader) async throws(ChatFailure) -> ModelCompletion {
        let server = try checked(exchange)
        // The library takes notice of a cancellation a moment later, when the request may have been sent.
        if Task.isCancelled { throw TransportFailure.cancelled }
        let end = await withTaskGroup(of: End.self) { group in
            group.addTask { await self.answer(exchange, reader, server) }
            group.addTask {
                do {
                    try await Task.sleep(for: .seconds(exchange.timeout))
                    return .timedOut
                } catch {
                    return .cancelled
                }
            }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            return first
        }
        if Task.isCancelled { throw TransportFailure.cancelled }
        switch end {
        case .answered(let result): return try result.get()
        case .cancelled: throw TransportFailure.cancelled
        case .timedOut:
            throw ChatFailure(
                ModelError(.timeout, "the model server at \(server) did not answer in full within \(exchange.timeout) s"), isTransient: true
            )
        }
    }

    private enum End: Sendable {
        case answered(Result<ModelCompletion, ChatFailure>)
        case timedOut
        case cancelled
    }

    /// The library bounds the wait for each piece; the whole is bounded by who calls.
    private func answer(_ exchange: ChatExchange, _ reader: ChatReader, _ server: String) async -> End {
        var reader = reader
        var request = HTTPClientRequest(url: exchange.url)
        request.method = .POST
        for header in exchange.headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(exchange.body)
        do {
            let response = try await client.execute(request, deadline: .distantFuture)
            reader.begin(status: Int(response.status.code)) { response.headers.first(name: $0) }
            // Leaving the loop early closes the connection: what follows the end of an answer is not waited for.
            for try await piece in response.body {
                guard try reader.take(piece.readableBytesView) else { break }
            }
            if Task.isCancelled { return .cancelled }
            return .answered(.success(try reader.finish()))
        } catch let failure as ChatFailure {
            return .answered(.failure(failure))
        } catch {
            return .answered(.failure(TransportFailure.of(error, server: server, stallTimeout: stallTimeout)))
        }
    }

    /// What the settings were checked for already, once more at the place where it counts. Returns the server's name for messages.
    private func checked(_ exchange: ChatExchange) throws(ChatFailure) -> String {
        let address: ServerAddress
        do throws(ServerAddress.Problem) {
            address = try ServerAddress(exchange.url)
        } catch {
            throw ChatFailure(ModelError(.configuration, "the model server has no usable address: \(error.message)"), isTransient: false)
        }
        guard address.scheme == .https || address.isLoopback || allowsPlainHTTP else {
            throw ChatFailure(
                ModelError(.configuration, "the model server at \(address.authority) is neither https nor on this machine"),
                isTransient: false)
        }
        return address.authority
    }
}
