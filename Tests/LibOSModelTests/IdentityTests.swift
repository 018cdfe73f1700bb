import Testing

@testable import LibOSModel

struct IdentityTests {
    @Test("ids are new, have their prefix and read back") func identifiers() throws {
        let ids = (0..<1000).map { _ in ProcessID.new() }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.text.hasPrefix("pid_") && $0.text.utf8.count == 35 })
        #expect(ProcessID(ids[0].text) == ids[0])
    }

    @Test("ids order as the milliseconds do in which they were made, whatever is random in them") func ordered() {
        let instants: [UInt64] = [0, 1, 999, 1_000, 1_795_000_000_000, 1_795_000_000_001, 1 << 43]
        let ids = instants.map { AuditID($0, UInt64.max - $0, .max) }
        #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        #expect(AuditID(1_795_000_000_000, 1, 2).text == "audit_1a1ee565e00" + "0000000000000001" + "0002")
        #expect(ids.allSatisfy { AuditID($0.text) == $0 })
    }

    @Test(
        "no other text is an id",
        arguments: ["", "pid", "pid_", "obj_0", "pid_a b", "pid_ä", "pid_a/b", "pid_\u{0}", "pid_" + String(repeating: "a", count: 93)])
    func refused(_ text: String) {
        #expect(ProcessID(text) == nil)
    }

    @Test(
        "instants and their texts",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_123_456, "2100-02-28T23:59:59.123456Z"), (1_795_000_000_000_001, "2026-11-18T11:06:40.000001Z"),
        ] as [(Int64, String)])
    func texts(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test("texts order as instants do") func order() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let (a, b) = (
                Timestamp(microseconds: .random(in: 0...4_000_000_000_000_000, using: &generator)),
                Timestamp(microseconds: .random(in: 0...4_000_000_000_000_000, using: &generator))
            )
            #expect((a < b) == (a.description < b.description))
            #expect(Timestamp(a.description) == a)
        }
    }

    @Test(
        "what is no instant",
        arguments: [
            "", "2026-11-18", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-18T24:00:00Z", "2026-11-18T00:00:00",
            "2026-11-18T00:00:00.Z",
            "2026-11-18T00:00:00.1234567Z", "2026-11-18 00:00:00.000000Z", "٢٠٢٦-11-18T00:00:00Z",
        ])
    func notInstants(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("adding stays at the ends of time") func adding() {
        #expect(Timestamp(microseconds: 5).adding(seconds: 1).microseconds == 1_000_005)
        #expect(Timestamp(microseconds: .max - 1).adding(seconds: 1).microseconds == .max)
        #expect(Timestamp(microseconds: 0).adding(seconds: .infinity).microseconds == .max)
        #expect(Timestamp(microseconds: 0).adding(seconds: -.infinity).microseconds == .min)
    }
}
