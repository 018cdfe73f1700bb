import LibOSModel
import Testing

@testable import MCPApproval

@Suite struct SealedStateTests {
    private static let session = ProcessID.new()
    private static let start = Timestamp(microseconds: 1_000_000)

    private static func state(_ kind: SealedState.Kind = .question, upstream: String? = nil) -> SealedState {
        SealedState(
            kind, of: "hreq_1", session: session, principal: "stdio", actionHash: "aa11", expiresAt: start.adding(seconds: 60),
            upstream: upstream)
    }

    private static func open(
        _ sealer: StateSealer, _ text: String, session: ProcessID = session, principal: String = "stdio", at seconds: Double = 1
    ) -> Result<SealedState, SealedState.Problem> {
        Result { () throws(SealedState.Problem) in
            try sealer.open(text, session: session, principal: principal, now: start.adding(seconds: seconds))
        }
    }

    @Test("what was sealed comes out once, with the tool's own state", arguments: [nil, "", "zz\"\u{0}é"])
    func once(_ upstream: String?) throws {
        let sealer = StateSealer()
        for kind in SealedState.Kind.allCases {
            let state = Self.state(kind, upstream: upstream)
            let text = try #require(sealer.seal(state))
            #expect(StateSealer.isOurs(text) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            #expect(Self.open(sealer, text) == .success(state))
            #expect(Self.open(sealer, text) == .failure(.used))
        }
    }

    @Test("every change of a single bit is refused, and every part of it") func tampered() throws {
        let sealer = StateSealer()
        let text = try #require(sealer.seal(Self.state(upstream: "u")))
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                guard let other = String(validating: changed, as: UTF8.self) else { continue }
                #expect(Self.open(sealer, other) == .failure(.tampered), "byte \(index), bit \(bit)")
            }
        }
        for length in bytes.indices {
            #expect(Self.open(sealer, String(decoding: bytes[..<length], as: UTF8.self)) == .failure(.tampered))
        }
        for other in [text + "0", text + " ", text + ".", text.uppercased(), "glovebox-state-1..", "glovebox-state-1.", ""] {
            #expect(Self.open(sealer, other) == .failure(.tampered), "\(other)")
        }
        // None of them has used it up.
        #expect(throws: Never.self) { try Self.open(sealer, text).get() }
    }

    @Test("the parts of two states do not mix, and another process knows none of them") func swapped() throws {
        let sealer = StateSealer()
        let (one, two) = (try #require(sealer.seal(Self.state())), try #require(sealer.seal(Self.state(upstream: "x"))))
        func halves(_ text: String) -> (String, String) {
            let at = text.lastIndex(of: ".") ?? text.startIndex
            return (String(text[..<at]), String(text[at...]))
        }
        #expect(Self.open(sealer, halves(one).0 + halves(two).1) == .failure(.tampered))
        #expect(Self.open(StateSealer(), one) == .failure(.tampered))
        #expect(throws: Never.self) { try Self.open(sealer, one).get() }
    }

    @Test("it holds for its session, its principal and its time") func bound() throws {
        let sealer = StateSealer()
        let text = try #require(sealer.seal(Self.state()))
        #expect(Self.open(sealer, text, session: .new()) == .failure(.otherSession))
        #expect(Self.open(sealer, text, principal: "bearer") == .failure(.otherSession))
        #expect(Self.open(sealer, text, at: 60) == .failure(.expired))
        #expect(Self.open(sealer, text, at: 3600) == .failure(.expired))
        // What was refused is not used up by it.
        #expect(throws: Never.self) { try Self.open(sealer, text, at: 59.999).get() }
    }

    @Test("a state that is too long is not made") func long() {
        #expect(StateSealer().seal(Self.state(upstream: String(repeating: "x", count: StateSealer.longest))) == nil)
    }

    @Test("used states are remembered as long as they are good, and not without end") func nonces() {
        let used = UsedNonces()
        let end = Self.start.adding(seconds: 10)
        for index in 0..<UsedNonces.most { #expect(used.take("\(index)", until: end, now: Self.start)) }
        #expect(!used.take("0", until: end, now: Self.start) && !used.take("one more", until: end, now: Self.start))
        #expect(used.take("one more", until: end.adding(seconds: 10), now: end))
    }

    @Test("questions come in a burst and then at a rate") func rate() {
        var rate = QuestionRate(burst: 3, refill: 100)
        let taken = [0, 0, 1, 2, 99, 100, 101, 250, 10_000, 10_000, 10_000, 10_000].map { rate.take(now: $0 + 1_000) }
        #expect(taken == [true, true, true, false, false, true, false, true, true, true, true, false])
    }
}
