import SandboxPolicy
import StrictJSON
import Testing

struct OCIProfileTests {
    private static let context = OCIImportContext(kernelMajor: 6, kernelMinor: 18)

    private static func json(_ text: String) throws -> JSONValue {
        try JSONDocument.read(Array(text.utf8), bounds: .policy).value
    }

    private static func read(_ text: String, _ context: OCIImportContext = context) throws -> OCIImport {
        try OCIProfile.read(json(text), context: context)
    }

    private static func answer(_ specification: FilterSpecification, _ name: String, _ arguments: [UInt64] = []) throws -> FilterAction {
        specification.decide(SystemCall(number: UInt32(try #require(SyscallTable.number(of: name))), arguments: arguments))
    }

    private static let docker = """
        {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
         "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
         "syscalls": [
          {"names": ["read", "write", "_llseek"], "action": "SCMP_ACT_ALLOW"},
          {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
          {"names": ["kcmp"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "7.0"}},
          {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
          {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]},
           "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]},
          {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
          {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
          {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}
         ]}
        """

    @Test func dockerForm() throws {
        let imported = try Self.read(Self.docker)
        let filter = imported.specification
        #expect(imported.ignoredNames == ["_llseek"])
        #expect(try Self.answer(filter, "read") == .allow)
        #expect(try Self.answer(filter, "ptrace") == .allow)
        #expect(try Self.answer(filter, "kcmp") == .errno(1))
        #expect(try Self.answer(filter, "personality", [8]) == .allow)
        #expect(try Self.answer(filter, "personality", [9]) == .errno(1))
        #expect(try Self.answer(filter, "clone", [0x11]) == .allow)
        #expect(try Self.answer(filter, "clone", [0x1000_0011]) == .errno(1))
        #expect(try Self.answer(filter, "mount") == .errno(1))
        #expect(try Self.answer(filter, "arch_prctl") == .allow)
        #expect(try Self.answer(filter, "clone3") == .errno(38))
    }

    @Test func capabilitiesOpenAndCloseEntries() throws {
        var context = Self.context
        context.capabilities = ["CAP_SYS_ADMIN"]
        let filter = try Self.read(Self.docker, context).specification
        #expect(try Self.answer(filter, "mount") == .allow)
        #expect(try Self.answer(filter, "clone3") == .errno(1))
    }

    @Test func runtimeForm() throws {
        let filter = try Self.read(
            """
            {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
              {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
               "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]},
              {"names": ["bpf"], "action": "SCMP_ACT_KILL_PROCESS"}]}
            """
        ).specification
        #expect(try Self.answer(filter, "socket", [40]) == .errno(97))
        #expect(try Self.answer(filter, "socket", [38]) == .errno(97))
        #expect(try Self.answer(filter, "socket", [1]) == .allow)
        #expect(try Self.answer(filter, "bpf") == .killProcess)
        #expect(filter.decide(SystemCall(number: 1000)) == .allow)
    }

    /// A profile that refuses all but these entries.
    private static func profile(_ entries: String) -> String {
        #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(entries)]}"#
    }

    @Test(arguments: [
        (#"{"defaultAction": "SCMP_ACT_LOG"}"#, "defaultAction"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0}"#, "defaultErrnoRet"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "listenerPath": "/run/x"}"#, "listenerPath"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#, "flags[0]"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_AARCH64"]}"#, "architectures"),
        (profile(#"{"names": [], "action": "SCMP_ACT_ALLOW"}"#), "syscalls[0].names"),
        (profile(#"{"names": ["read"], "action": "SCMP_ACT_TRAP"}"#), "syscalls[0].action"),
        (
            profile(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}"#),
            "syscalls[0].errnoRet"
        ),
        (
            profile(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}"#),
            "syscalls[0].args[0].index"
        ),
        (
            profile(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EG"}]}"#),
            "syscalls[0].args[0].op"
        ),
        (
            profile(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"kernel": "4"}}"#),
            "syscalls[0].includes.kernel"
        ),
        (#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["raed"], "action": "SCMP_ACT_ERRNO"}]}"#, "syscalls[0].names[0]"),
        (
            profile(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["read"], "action": "SCMP_ACT_KILL_PROCESS"}"#),
            "syscalls[1]"
        ),
    ])
    func whatCannotBeHonouredIsAnErrorWithItsPath(text: String, path: String) throws {
        let error = #expect(throws: OCIProfileError.self) { try Self.read(text) }
        #expect(error?.path == path)
    }

    /// What is written and read again decides the same, for every call and telling arguments.
    @Test func exportedFilterMeansTheSame() throws {
        let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: false)
        let original = try SyscallCatalogue.specification(
            for: SyscallRules(), maySpawn: true, network: NetworkConfinement(), demands: demands)
        let profile = try OCIProfile.write(original)
        let again = try OCIProfile.read(Self.json(profile.canonicalText), context: Self.context).specification
        let values: [UInt64] = [
            0, 1, 2, 4, 5, 8, 10, 15, 38, 40, 47, 0x40, 0x1000, 0x20000, 0o6755, 0x5401, 0x5412, 0x541C, 0x541D, 0x541E, 0x5423, 0x5452,
            0x4B01, 0x5601, 0x8912, 0x4004_9409, 0x7E02_0000, 0x2000_0000, 0xffff_ffff, 0x1_0000_5412, UInt64.max,
        ]
        for (number, name) in SyscallTable.all {
            for value in values {
                for position in 0..<5 {
                    var arguments = [1, 1, 0, 0, 0, 0] as [UInt64]
                    arguments[position] = value
                    let call = SystemCall(number: UInt32(number), arguments: arguments)
                    #expect(original.decide(call) == again.decide(call), "\(name) \(arguments)")
                }
            }
        }
    }

    @Test func theAddressOfOneExecveCannotBeExported() throws {
        let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: true)
        let filter = try SyscallCatalogue.specification(
            for: SyscallRules(), maySpawn: false, network: NetworkConfinement(), demands: demands)
        let error = #expect(throws: OCIProfileError.self) { try OCIProfile.write(filter) }
        #expect(error?.path == "execve")
    }
}
