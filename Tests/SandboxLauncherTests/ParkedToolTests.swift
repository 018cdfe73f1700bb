import CLaunchABI
import CLinuxShims
import SandboxPolicy
import Testing

@testable import SandboxLauncher

/// Which filters let a tool wait for its call itself.
@Suite struct ParkedToolTests {
    private func kind(refusing refused: [String] = [], maySpawn: Bool = true, files: UInt64 = 256) throws -> LaunchSpec {
        let demands = FilterDemands(mediateCreation: true, mediateMemfd: true, mediateNetwork: false, canNotify: true)
        var specification = try SyscallCatalogue.specification(
            for: SyscallRules(), maySpawn: maySpawn, network: NetworkConfinement(), demands: demands)
        specification.rules.removeAll { refused.contains($0.name) }
        let program = try FilterCompiler.compile(specification)
        var spec = LaunchSpec()
        spec.flags = [.seccomp, .notify]
        (spec.filter, spec.execPointer) = (program.bytes, program.execPointer)
        spec.resourceLimits = [ResourceLimit(resource: UInt32(GBX_RLIMIT_NOFILE), soft: files, hard: files, name: "open_files")]
        return spec
    }

    @Test(arguments: [true, false]) func `the default filter lets it wait`(maySpawn: Bool) throws {
        #expect(ParkedTool.isPossible(in: try kind(maySpawn: maySpawn)))
    }

    @Test(arguments: ["recvmsg", "dup3", "close", "chdir", "execve", "write", "exit", "clock_gettime", "getsockopt", "getpeername"])
    func `each of its steps must be allowed`(call: String) throws {
        #expect(!ParkedTool.isPossible(in: try kind(refusing: [call])))
    }

    @Test func `its descriptors must fit under its limit`() throws {
        #expect(ParkedTool.isPossible(in: try kind(files: UInt64(GB_PARKED_TOOL_FILES))))
        #expect(!ParkedTool.isPossible(in: try kind(files: UInt64(GB_PARKED_TOOL_FILES) - 1)))
    }

    @Test func `no terminal, and no filter that cannot be read`() throws {
        var spec = try kind()
        spec.flags.insert(.terminal)
        #expect(!ParkedTool.isPossible(in: spec))
        spec = try kind()
        spec.filter = [1, 2, 3]
        #expect(!ParkedTool.isPossible(in: spec))
        spec.filter = []
        #expect(ParkedTool.isPossible(in: spec), "where seccomp is waived nothing refuses anything")
    }
}
