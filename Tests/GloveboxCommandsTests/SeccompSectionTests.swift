import SandboxPolicy
import StrictJSON
import Testing

@testable import GloveboxCommands

/// An imported profile never becomes a policy that allows more than the profile.
@Suite struct SeccompSectionTests {
    private func section(_ text: String) throws -> SeccompSection {
        let value = try JSONDocument.read(Array(text.utf8), bounds: .policy).value
        return try SeccompSection(try OCIProfile.read(value, context: OCIImportContext(kernelMajor: 6, kernelMinor: 18)))
    }

    private func allowing(_ name: String, _ args: String) -> String {
        #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["\#(name)"], "action": "SCMP_ACT_ALLOW", "args": [\#(args)]}]}"#
    }

    /// Conditions that Glovebox's own rules imply: Docker's profile is of these.
    @Test(arguments: [
        ("clone", #"{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}"#),
        ("socket", #"{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}"#),
        ("socket", #"{"index": 0, "value": 10, "op": "SCMP_CMP_LE"}"#),
        ("prlimit64", #"{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}"#),
        ("fallocate", #"{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}"#),
    ])
    func whatGloveboxNarrowsAsMuchStays(name: String, args: String) throws {
        let section = try section(allowing(name, args))
        #expect(section.byArguments == [name])
        #expect(!section.deny.contains(name))
        #expect(section.denied == [])
    }

    @Test(arguments: [
        ("read", #"{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}"#),
        ("socket", #"{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}"#),
        ("socket", #"{"index": 0, "value": 2, "op": "SCMP_CMP_LE"}"#),
        ("clone", #"{"index": 0, "value": 2130837504, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}"#),
        ("ioctl", #"{"index": 1, "value": 21505, "op": "SCMP_CMP_EQ"}"#),
        ("personality", #"{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}"#),
        // Glovebox looks at this argument for some options only, and the kernel takes all 64 bits of it for others.
        ("prctl", #"{"index": 1, "value": 4294967295, "op": "SCMP_CMP_LE"}"#),
        (
            "sendto",
            #"{"index": 3, "value": 536870912, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}, {"index": 0, "value": 9, "op": "SCMP_CMP_LT"}"#
        ),
    ])
    func whatGloveboxWouldAllowWiderIsDenied(name: String, args: String) throws {
        let section = try section(allowing(name, args))
        #expect(section.denied == [name])
        #expect(section.deny.contains(name))
        #expect(section.byArguments == [])
        #expect(section.yaml(source: "p.json").contains("which no policy can say, so denied: \(name)"))
    }

    /// A profile that allows everything but some arguments.
    @Test func refusedArgumentsCount() throws {
        func refusing(_ name: String, _ value: UInt64) throws -> SeccompSection {
            let condition = #"{"index": \#(name == "ioctl" ? 1 : 0), "value": \#(value), "op": "SCMP_CMP_EQ"}"#
            return try section(
                """
                {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                  {"names": ["\(name)"], "action": "SCMP_ACT_ERRNO", "args": [\(condition)]}]}
                """)
        }
        // TIOCSTI is refused by Glovebox too; TCGETS is not.
        #expect(try refusing("ioctl", 0x5412).byArguments == ["ioctl"])
        #expect(try refusing("ioctl", 0x5401).denied == ["ioctl"])
        #expect(try refusing("socket", 40).byArguments == ["socket"])
        #expect(try refusing("socket", 1).denied == ["socket"])
        #expect(try refusing("close", 1).denied == ["close"])
    }

    @Test func beyondTheBaseHalfAnAllowanceIsNone() throws {
        let section = try section(allowing("ptrace", #"{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}"#))
        #expect(section.allow == [])
        #expect(section.denied == ["ptrace"])
        #expect(!section.deny.contains("ptrace"))
    }

    @Test func dockersPersonalitiesAreGloveboxsOwn() throws {
        let entries = [0, 8, 131072, 131080, 4294967295].map {
            #"{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": \#($0), "op": "SCMP_CMP_EQ"}]}"#
        }
        let section = try section(#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(entries.joined(separator: ","))]}"#)
        #expect(section.byArguments == ["personality"])
    }
}
