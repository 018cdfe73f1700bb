import Testing

@testable import SandboxLauncher

struct InternetAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::ffff:127.0.0.1", "127.0.0.1"), ("::ffff:7f00:1", "127.0.0.1"), ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8::A", "2001:db8::a"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::ffff:0.0.0.0", "0.0.0.0"),
    ])
    func oneFormPerAddress(text: String, expected: String) throws {
        let address = try #require(InternetAddress(literal: text))
        #expect(address.description == expected)
        #expect(InternetAddress(literal: expected) == address)
    }

    /// What inet_aton would take for an address is none.
    @Test(arguments: [
        "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1 ", "fe80::1%lo", "[::1]", "", "1.2.3.4.5", "::ffff:127.1",
    ])
    func otherFormsAreNoAddress(text: String) {
        #expect(InternetAddress(literal: text) == nil)
    }

    @Test(arguments: [
        ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::ffff:0.0.0.0", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("10.0.0.1", "10.0.0.1"),
    ])
    func unspecifiedMeansThisMachine(text: String, target: String) throws {
        #expect(try #require(InternetAddress(literal: text)).asTarget.description == target)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.255.254", true), ("::1", true), ("::ffff:127.9.9.9", true), ("128.0.0.1", false),
        ("126.255.255.255", false),
        ("::2", false), ("0.0.0.0", false), ("10.0.0.1", false),
    ])
    func loopback(text: String, expected: Bool) throws {
        #expect(try #require(InternetAddress(literal: text)).isLoopback == expected)
    }

    /// Both ends of each range, and their neighbours outside.
    @Test(arguments: [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200", "127.0.0.1",
        "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "feff::1", "fc00::1",
        "fdff::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1", "2001::1", "2001:db8::1", "4000::1", "64:ff9b:1::1",
    ])
    func namesDoNotLeadHere(text: String) throws {
        #expect(try #require(InternetAddress(literal: text)).reasonToDrop != nil)
    }

    @Test(arguments: [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.17",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "8.8.8.8", "2000::1", "2606:4700::1111", "3fff:ffff::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8",
    ])
    func namesMayLeadHere(text: String) throws {
        #expect(try #require(InternetAddress(literal: text)).reasonToDrop == nil)
    }

    private static let v4: [UInt8] = [2, 0, 0x1F, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    private static let mapped: [UInt8] = [
        10, 0, 0x1F, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1, 0, 0, 0, 0,
    ]

    @Test func readingSockaddrs() throws {
        let expected = InternetEndpoint(address: .loopback4, port: 8080)
        #expect(try InternetEndpoint(sockaddr: Self.v4, socketFamily: 2) == expected)
        #expect(try InternetEndpoint(sockaddr: Self.mapped, socketFamily: 10) == expected)
        #expect(try InternetEndpoint(sockaddr: Array(Self.mapped[..<24]), socketFamily: 10) == expected)
        #expect(try InternetEndpoint(sockaddr: Self.v4 + [9, 9], socketFamily: 2) == expected)
        #expect(expected.sockaddr(family: 2) == Self.v4)
        #expect(expected.sockaddr(family: 10) == Self.mapped)
        #expect(InternetEndpoint(address: .loopback6, port: 1).sockaddr(family: 2) == nil)
        #expect(InternetEndpoint(address: .loopback6, port: 1).description == "[::1]:1")
    }

    @Test func unreadableSockaddrs() {
        #expect(throws: InternetEndpoint.ReadingError.short) { try InternetEndpoint(sockaddr: Array(Self.v4[..<15]), socketFamily: 2) }
        #expect(throws: InternetEndpoint.ReadingError.short) { try InternetEndpoint(sockaddr: Array(Self.mapped[..<23]), socketFamily: 10) }
        #expect(throws: InternetEndpoint.ReadingError.short) { try InternetEndpoint(sockaddr: [], socketFamily: 2) }
        #expect(throws: InternetEndpoint.ReadingError.family) { try InternetEndpoint(sockaddr: Self.v4, socketFamily: 10) }
        #expect(throws: InternetEndpoint.ReadingError.family) { try InternetEndpoint(sockaddr: Self.mapped, socketFamily: 2) }
        #expect(throws: InternetEndpoint.ReadingError.family) { try InternetEndpoint(sockaddr: [0] + Self.v4.dropFirst(), socketFamily: 2) }
    }
}
