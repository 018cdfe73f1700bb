internal import CapabilityBroker
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import SandboxLauncher
@testable internal import ToolBroker

/// The frames of a session with a worker of the test's own in this very process, in any order and of any shape.
@Suite struct SessionFrameTests {
    /// A worker's end of a session's channel: reads calls, and writes what it is told to.
    private final class Puppet: Sendable {
        let session: WorkerSession
        private let script: @Sendable (_ nonce: String, _ call: Int) -> [UInt8]
        private let ended: RunCancellation

        /// - Parameter script: bytes that answer a call; none: the worker ends.
        init(
            terms: SessionTerms = SessionTerms(tools: ["t"]), limits: ChannelLimits = .standard,
            script: @escaping @Sendable (_ nonce: String, _ call: Int) -> [UInt8]
        ) throws {
            self.script = script
            ended = try RunCancellation()
            var policy = try TestSession.policy()
            policy.sessions = terms
            let confinement = try policy.confinement(workspace: nil, workspaceWritable: false)
            let request = RunRequest(arguments: ["t"], confinement: confinement, policyName: policy.name, policyHash: policy.hash)
            let hold = try TestSession.hold(policy)
            session = try WorkerSession(request, SessionKey(hold, request, terms), hold, limits: limits)
        }

        func start() {
            let (session, script) = (session, script)
            session.start { request, cancellation in
                guard let channel = request.channel, let end = try? channel.duplicated() else {
                    return TestSession.report(request, .launcherDied)
                }
                channel.close()
                session.line.news.state.withLock { $0.start = .some(getpid()) }
                session.line.news.wake()
                let shared = SharedEnd(end)
                let isCancelled = await ToolBroker.onThread(otherwise: true) { shared.talk(cancellation, script) }
                return TestSession.report(request, isCancelled ? .cancelled : .exited(code: 0))
            }
        }

        func call(_ progress: @escaping ChannelSession.ProgressHandler = { _, _ in }) async -> WorkerSession.Served? {
            let (news, done) = AsyncStream.makeStream(of: WorkerSession.Served.self)
            let isTaken = session.offer(
                WorkerSession.Job(
                    opening: .init(tool: "t", call: .new(), arguments: .object([])), wallMilliseconds: 20_000, outputLimit: 1 << 20,
                    handler: { _ async throws(LibOSError) in .null }, progress: progress,
                    done: { served in
                        done.yield(served)
                        done.finish()
                    }))
            guard isTaken else { return nil }
            for await served in news { return served }
            return nil
        }
    }

    private final class SharedEnd: Sendable {
        private let end: OwnedDescriptor
        init(_ end: consuming OwnedDescriptor) { self.end = end }

        /// True when it was ended from outside.
        func talk(_ cancellation: RunCancellation, _ script: (String, Int) -> [UInt8]) -> Bool {
            var pending: [UInt8] = []
            var calls = 0
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                var entries = [
                    pollfd(fd: end.rawValue, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: cancellation.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                _ = try? Polling.wait(&entries, deadline: nil)
                if entries[1].revents != 0 { return true }
                let count = (try? buffer.withUnsafeMutableBytes { try Transfer.read(end.rawValue, into: $0) }) ?? 0
                if count == 0 { return false }
                pending += buffer[..<count]
                while let newline = pending.firstIndex(of: 0x0A) {
                    let line = Array(pending[..<newline])
                    pending.removeFirst(newline + 1)
                    guard let frame = try? JSONDocument.value(of: line, bounds: DocumentBounds(bytes: 1 << 20, depth: 32, nodes: 1000)),
                        case .string(let nonce)? = frame["id"], frame["method"] == .string("tool.call")
                    else { continue }
                    calls += 1
                    let answer = script(nonce, calls)
                    if answer.isEmpty { return false }
                    // Nobody may be there any more.
                    if (try? Transfer.writeAll(end.rawValue, answer)) == nil { return false }
                }
            }
        }
    }

    private static func result(_ nonce: String, _ data: String = "1") -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","id":"\#(nonce)","result":{"data":\#(data)}}"#.utf8) + [0x0A]
    }

    @Test(.timeLimit(.minutes(1))) func `calls are served one after the other and numbered`() async throws {
        let puppet = try Puppet { nonce, call in Self.result(nonce, "\(call)") }
        puppet.start()
        for number in 1...20 {
            let served = try #require(await puppet.call())
            guard case .talked(.result(let output)) = served.end else {
                Issue.record("\(served.end)")
                return
            }
            #expect(output.data == .int(Int64(number)) && served.place.call == UInt64(number) && served.stays)
        }
        puppet.session.end(.shutDown)
        #expect(await puppet.session.report.outcome == .cancelled)
        #expect(await puppet.call() == nil, "it serves nobody any more")
    }

    @Test(.timeLimit(.minutes(1))) func `a nonce is good for one call`() async throws {
        let first = Mutex<String?>(nil)
        let puppet = try Puppet { nonce, _ in
            let old = first.withLock { first in
                defer { if first == nil { first = nonce } }
                return first
            }
            return Self.result(old ?? nonce)
        }
        puppet.start()
        #expect(await puppet.call()?.stays == true)
        let second = try #require(await puppet.call())
        guard case .talked(.violation(let violation)) = second.end else {
            Issue.record("\(second.end)")
            return
        }
        #expect(violation.rule == .wrongNonce && !second.stays)
        #expect(await puppet.session.report.outcome == .cancelled)
    }

    @Test(.timeLimit(.minutes(1))) func `a call that the ended worker never heard of is given back`() async throws {
        let puppet = try Puppet { nonce, call in Self.result(nonce) + (call == 2 ? Array("{}\n".utf8) : []) }
        puppet.start()
        #expect(await puppet.call()?.stays == true)
        // The second answer has something behind it: seen with the result, or a moment later.
        let second = try #require(await puppet.call())
        if second.stays {
            let third = await puppet.call()
            if let third, case .bounced = third.end {} else { #expect(third == nil, "\(String(describing: third))") }
        }
        _ = await puppet.session.report
        #expect([.violation(.unsolicited), .violation(.dataAfterResult)].contains(puppet.session.summary.end))
    }

    /// Bounded and seeded: what a worker writes is right, nearly right, or noise. A result counts only with its call's nonce, whatever
    /// broke a rule is the last word, and every call has an answer.
    @Test(.timeLimit(.minutes(2)), arguments: 1...40)
    func `any frames have a defined end`(seed: Int) async throws {
        let generator = Mutex(SeededGenerator(seed: UInt64(seed)))
        let honest = Mutex<[Int: Bool]>([:])
        let limits = ChannelLimits(frameBytes: 4096, frames: 16, syscalls: 4, totalBytes: 16_384, depth: 8, nodes: 100)
        let puppet = try Puppet(terms: SessionTerms(tools: ["t"], calls: 30), limits: limits) { nonce, call in
            generator.withLock { generator in
                let (bytes, isHonest) = Self.answer(nonce, &generator)
                honest.withLock { $0[call] = isHonest }
                return bytes
            }
        }
        puppet.start()
        var isOver = false
        for number in 1...40 {
            guard let served = await puppet.call() else {
                isOver = true
                break
            }
            switch served.end {
            case .talked(.result(let output)):
                #expect(output.data == .string("right"), "call \(number)")
                #expect(served.place.call == UInt64(number))
                if number >= 30 { #expect(!served.stays) }
            case .talked(.failure): break
            case .talked(.violation):
                #expect(honest.withLock { $0[number] } != true, "an honest answer to call \(number): \(served.end)")
                #expect(!served.stays)
            case .bounced: #expect(!served.stays)
            case .stopped(let stop): Issue.record("stopped: \(stop)")
            }
            if !served.stays { isOver = true }
            if isOver { break }
        }
        #expect(isOver, "a session has an end")
        #expect(await puppet.call() == nil)
        puppet.session.end(.shutDown)
        _ = await puppet.session.report
    }

    private static func answer(_ nonce: String, _ generator: inout SeededGenerator) -> ([UInt8], isHonest: Bool) {
        let right = result(nonce, #""right""#)
        let progress = Array(#"{"jsonrpc":"2.0","method":"progress","params":{"message":"x"}}"#.utf8) + [0x0A]
        switch Int.random(in: 0..<16, using: &generator) {
        case 0..<7: return (right, true)
        case 7, 8: return (Array(repeating: progress, count: Int.random(in: 1...4, using: &generator)).flatMap { $0 } + right, true)
        case 9: return (Array(#"{"jsonrpc":"2.0","id":"\#(nonce)","error":{"code":1,"message":"no"}}"#.utf8) + [0x0A], true)
        case 10: return (right + right, false)
        case 11: return (result(String(nonce.reversed()) + "0", #""forged""#), false)
        case 12: // one bit
            var bytes = right
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            // A changed value may still be a result of another text, and a lost newline never comes.
            return (bytes.contains(0x0A) && !bytes.containsRight ? bytes + [0x0A] : right, false)
        case 13:
            return (
                (0..<Int.random(in: 1...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) } + [0x0A], false
            )
        case 14: return (Array(repeating: UInt8(ascii: "x"), count: 5000), false)
        default: return (Array(right.prefix(Int.random(in: 1..<right.count, using: &generator))) + [0x0A], false)
        }
    }
}

extension [UInt8] {
    /// A result that a reader would take for one.
    fileprivate var containsRight: Bool {
        guard let value = try? JSONDocument.value(of: Array(dropLast()), bounds: DocumentBounds(bytes: 4096, depth: 8, nodes: 100)) else {
            return false
        }
        return value["result"]?["data"] != nil && value["id"] != nil
    }
}

/// What a session rests on, made by hand.
enum TestSession {
    static func policy() throws -> ResolvedPolicy {
        try PolicyLoader.load(Array("version: 1\nname: t\ncapabilities:\n  - {allow: \"process:spawn\"}\n".utf8), fileName: "t.yaml") { _ in
            throw LibOSError(.notFound, "no parent")
        }
    }

    static func hold(_ policy: ResolvedPolicy, process: ProcessID = .new()) throws -> SessionHold {
        SessionHold(
            process: process, image: "test", workingDirectory: ".", tool: ToolIdentity.of("t"), toolName: "t", needs: [], policyName: "t",
            policy: CallPolicy(policy), grants: [], capabilities: [])
    }

    static func report(_ request: RunRequest, _ outcome: RunOutcome) -> RunReport {
        var report = ReportBuilder.notLaunched(request, outcome)
        report.outcome = outcome
        return report
    }
}
