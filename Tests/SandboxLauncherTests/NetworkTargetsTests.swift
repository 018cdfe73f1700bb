import SandboxPolicy
import Testing

@testable import SandboxLauncher

struct NetworkTargetsTests {
    private static let rule = RuleReference(policy: "p", file: "p.yaml", line: 3, text: "allow")

    private static func network(
        _ connect: [(String, UInt16?)], listen: [UInt16] = [], loopback: Bool = false, denied: [(String, UInt16?)] = []
    ) -> NetworkConfinement {
        NetworkConfinement(
            loopback: loopback ? rule : nil, connect: connect.map { NetworkEndpoint(host: $0.0, port: $0.1, rule: rule) },
            listen: listen.map { NetworkEndpoint(host: "", port: $0, rule: rule) },
            denied: denied.map { NetworkEndpoint(host: $0.0, port: $0.1, rule: rule) })
    }

    private static func address(_ text: String) throws -> InternetAddress { try #require(InternetAddress(literal: text)) }

    private static func allows(_ targets: NetworkTargets, _ text: String, _ port: UInt16) throws -> Bool {
        targets.allows(InternetEndpoint(address: try address(text), port: port))
    }

    @Test func nothingByDefault() throws {
        let targets = NetworkTargets()
        #expect(!targets.isBrokered && !targets.hasLoopback && targets.hosts == "")
        #expect(try !Self.allows(targets, "127.0.0.1", 80))
    }

    @Test func literals() throws {
        let targets = try NetworkTargets(
            Self.network([("127.0.0.1", 5432), ("169.254.169.254", 80), ("::1", nil), ("::ffff:10.0.0.1", 1)], listen: [8080]),
            resolved: [:])
        #expect(targets.isBrokered && targets.hosts == "" && targets.notes == [])
        #expect(try Self.allows(targets, "127.0.0.1", 5432))
        #expect(try Self.allows(targets, "::ffff:127.0.0.1", 5432))
        #expect(try !Self.allows(targets, "127.0.0.1", 5433))
        #expect(try !Self.allows(targets, "127.0.0.2", 5432))
        #expect(try Self.allows(targets, "169.254.169.254", 80))
        #expect(try Self.allows(targets, "::1", 1) && Self.allows(targets, "::1", 65535))
        #expect(try !Self.allows(targets, "::1", 0))
        #expect(try Self.allows(targets, "10.0.0.1", 1))
        #expect(targets.listen == [8080])
        #expect(targets.summary.contains("127.0.0.1:5432, ") && targets.summary.contains("at port 8080"))
    }

    @Test func namesArePinned() throws {
        let targets = try NetworkTargets(
            Self.network([("example.org", 443), ("example.org", 80)]),
            resolved: ["example.org": [try Self.address("93.184.216.34"), try Self.address("2606:2800::1")]])
        #expect(targets.hosts == "93.184.216.34 example.org\n2606:2800::1 example.org\n")
        #expect(try Self.allows(targets, "93.184.216.34", 443) && Self.allows(targets, "93.184.216.34", 80))
        #expect(try Self.allows(targets, "2606:2800::1", 443))
        #expect(try !Self.allows(targets, "93.184.216.34", 22))
        #expect(targets.summary.contains("example.org (93.184.216.34):443"))
    }

    /// What counts is the address that is reached, by whatever name and in whatever spelling.
    @Test func aDeniedAddressIsDeniedUnderEveryName() throws {
        let there = try Self.address("93.184.216.34")
        let other = try Self.address("93.184.216.35")
        let translated = try Self.address("64:ff9b::5db8:d822")
        let resolved = ["example.org": [there, other, translated], "evil.org": [other]]
        let all = try NetworkTargets(
            Self.network([("example.org", 443)], denied: [("::ffff:93.184.216.34", nil)]), resolved: resolved)
        #expect(!all.allows(InternetEndpoint(address: there, port: 443)))
        #expect(!all.allows(InternetEndpoint(address: translated, port: 443)))
        #expect(all.allows(InternetEndpoint(address: other, port: 443)))
        #expect(all.hosts == "93.184.216.35 example.org\n")
        #expect(all.denial(of: InternetEndpoint(address: there, port: 443))?.location == "p.yaml:3")
        #expect(!all.summary.contains("example.org (93.184.216.34):443"))
        #expect(all.notes.count == 2 && all.notes[0].contains("93.184.216.34"))
        // One port of it.
        let mail = try NetworkTargets(
            Self.network([("example.org", nil)], denied: [("93.184.216.34", 25)]), resolved: resolved)
        #expect(!mail.allows(InternetEndpoint(address: there, port: 25)))
        #expect(mail.allows(InternetEndpoint(address: there, port: 443)))
        #expect(mail.hosts.contains("93.184.216.34 example.org\n"))
        // A denied name takes the addresses that it has.
        let network = Self.network([("example.org", nil), ("93.184.216.35", 80)], denied: [("evil.org", nil), ("localhost", nil)])
        #expect(try NetworkTargets.names(in: network) == ["evil.org", "example.org"])
        let named = try NetworkTargets(network, resolved: resolved)
        #expect(!named.allows(InternetEndpoint(address: other, port: 80)))
        #expect(named.allows(InternetEndpoint(address: there, port: 80)))
        let gone = try NetworkTargets(network, resolved: ["example.org": [there]])
        #expect(gone.notes == ["evil.org is denied and has no address, so no address is denied for it"])
        // Nothing is asked of a resolver for a network that is not there.
        #expect(try NetworkTargets.names(in: Self.network([], loopback: true, denied: [("evil.org", nil)])) == [])
    }

    /// A name that its owner lets lead to this host or its network.
    @Test func namesDoNotLeadInside() throws {
        let inside = try ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254"].map(Self.address)
        let targets = try NetworkTargets(Self.network([("evil.example.org", nil)]), resolved: ["evil.example.org": inside])
        for address in inside { #expect(!targets.allows(InternetEndpoint(address: address, port: 80))) }
        #expect(targets.hosts == "" && targets.targets == [])
        #expect(targets.notes.count == 5)
        #expect(targets.nameDropped(for: inside[1]) == "evil.example.org")
    }

    /// The address has a grant of its own: then the name may stand for it, at the ports granted there.
    @Test func namesLeadInsideWhereTheAddressIsNamed() throws {
        let inside = try Self.address("10.0.0.5")
        let targets = try NetworkTargets(
            Self.network([("db.example.org", nil), ("10.0.0.5", 5432)]), resolved: ["db.example.org": [inside]])
        #expect(targets.hosts == "10.0.0.5 db.example.org\n")
        #expect(try Self.allows(targets, "10.0.0.5", 5432))
        #expect(try !Self.allows(targets, "10.0.0.5", 22))
    }

    @Test func localhostIsThisMachine() throws {
        let network = Self.network([("localhost", 5432)])
        #expect(try NetworkTargets.names(in: network) == [])
        let targets = try NetworkTargets(network, resolved: ["localhost": [try Self.address("10.0.0.1")]])
        #expect(try Self.allows(targets, "127.0.0.1", 5432) && Self.allows(targets, "::1", 5432))
        #expect(try !Self.allows(targets, "10.0.0.1", 5432) && !Self.allows(targets, "127.0.0.2", 5432))
        #expect(targets.hosts == "")
    }

    @Test func aNameWithoutAddressIsSaid() throws {
        let targets = try NetworkTargets(Self.network([("gone.example.org", 443)]), resolved: [:])
        #expect(targets.isBrokered && targets.targets == [])
        #expect(targets.notes == ["gone.example.org has no address"])
    }

    @Test func ownLoopbackComesFirst() throws {
        let targets = try NetworkTargets(Self.network([("127.0.0.1", 1)], loopback: true), resolved: [:])
        #expect(targets.hasLoopback && targets.notes.count == 1)
    }

    /// Whatever a resolver could read as a number, and what /etc/hosts could read as something else.
    @Test(arguments: [
        "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "example.0x1", "*", "a b", "a\n127.0.0.1 b", "a\tb", "a#b", "a_b", "", ".", "a.",
        "a..b",
        "-a", "a-", "é.org", String(repeating: "a", count: 64), "[::1]", "fe80::1%lo", "example.org:80", "localhost.",
    ])
    func hostsThatAreNone(host: String) {
        #expect(!NetworkTargets.isName(host))
        #expect(throws: LaunchError.self) { try NetworkTargets.names(in: Self.network([(host, 80)])) }
    }

    @Test func names() throws {
        let names = try NetworkTargets.names(
            in: Self.network([
                ("b.example.org", 1), ("a-1.example.org", 1), ("a-1.example.org", 2), ("1.2.3.4", 1), ("xn--9ca.org", nil), ("3com.com", 1),
            ]))
        #expect(names == ["3com.com", "a-1.example.org", "b.example.org", "xn--9ca.org"])
    }

    @Test func theUnspecifiedAddressIsNoTarget() {
        for host in ["0.0.0.0", "::"] {
            #expect(throws: LaunchError.self) { try NetworkTargets(Self.network([(host, 80)]), resolved: [:]) }
        }
    }
}

struct NameResolutionTests {
    @Test func readingAnswers() throws {
        let text = """
            93.184.216.34   STREAM example.org
            93.184.216.34   DGRAM
            2606:2800::1    STREAM
            ::ffff:1.2.3.4  STREAM
            fe80::1%eth0    STREAM
            nonsense
            10.0.0.1
            """
        #expect(
            NameResolution.addresses(in: Array(text.utf8)).map(\.description) == ["1.2.3.4", "10.0.0.1", "93.184.216.34", "2606:2800::1"])
        #expect(NameResolution.addresses(in: []) == [])
    }

    @Test(.timeLimit(.minutes(1))) func theHostsResolverAnswers() throws {
        let found = try NameResolution.resolve(["localhost"], cancellation: nil)
        let addresses = try #require(found["localhost"])
        #expect(addresses.contains { $0.isLoopback })
        #expect(try NameResolution.resolve([], cancellation: nil).isEmpty)
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledQuestionEndsAtOnce() throws {
        let cancellation = try RunCancellation()
        cancellation.cancel()
        // Nobody reads the answers: whether one came in time does not matter, only that the call returns.
        let found = try NameResolution.resolve(["localhost"], cancellation: cancellation.descriptor)
        #expect(found.count <= 1)
    }

    @Test func tooManyNames() {
        #expect(throws: LaunchError.self) { try NameResolution.resolve((0...64).map { "h\($0).example.org" }, cancellation: nil) }
    }
}
