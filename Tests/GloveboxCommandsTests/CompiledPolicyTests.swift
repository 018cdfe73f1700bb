import CapabilityLanguage
import Glibc
import SandboxLauncher
import SandboxPolicy
import TestSupport
import Testing

@testable import Glovebox
@testable import LinuxPrimitives

/// A compiled policy says what the policy's text says, or nothing.
@Suite struct CompiledPolicyTests {
    private static let build: [UInt8] = Array(1...20)
    private static let names = ["workspace", "read-only", "shell", "python", "build", "compute", "runtime", "guarded"]
    /// The source tree's own.
    private static let shipped = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/policies"

    private let scratch: ScratchDirectory
    private let store: PolicyStore

    init() throws {
        scratch = try ScratchDirectory()
        let compiled = try scratch.directory("compiled")
        let policies = try scratch.directory("shipped")
        for name in Self.names {
            let bytes = try SmallFile.read(Self.shipped + "/\(name).yaml")
            try scratch.file("shipped/\(name).yaml", String(decoding: bytes, as: UTF8.self))
        }
        store = PolicyStore(
            userDirectories: [scratch.path + "/user"], shippedDirectory: policies,
            compiled: CompiledPolicyStore(directories: [compiled], build: Self.build))
        for name in Self.names {
            if let policy = try store.compile(name) { try store.compiled.write(policy, to: compiled) }
        }
    }

    private var file: String { scratch.path + "/compiled/workspace" }

    private func rewrite(_ path: String, _ bytes: [UInt8]) throws {
        let file = try PathResolution.open(path: path, flags: O_WRONLY | O_TRUNC)
        try Transfer.writeAll(file.rawValue, bytes)
    }

    @Test(arguments: names) func `compiled and derived are the same`(_ name: String) throws {
        let compiled = try #require(store.loadCompiled(name))
        let policy = try store.load(name)
        #expect(compiled.name == policy.name)
        #expect(compiled.hash == policy.hash)
        #expect(compiled.usesWorkspace == policy.usesWorkspace)
        for writable in [true, false] {
            for workspace in ["/srv/project", "/a", "/home/somebody/src/x y", "/tmp/w", "/usra/b", "/zzz/ü", "/etc2"] {
                let filled = compiled.template.confinement(workspace: workspace, workspaceWritable: writable)
                #expect(try filled == policy.confinement(workspace: workspace, workspaceWritable: writable), "\(workspace)")
            }
        }
        // What is denied in a workspace holds in the current directory of a run without one, and that is derived.
        let deniesNames = policy.rules.contains { $0.resource.description.hasPrefix("filesystem:workspace:") && $0.effect != .allow }
        let filled = compiled.template.confinement(workspace: nil, workspaceWritable: false)
        #expect(try filled == (deniesNames ? nil : policy.confinement(workspace: nil, workspaceWritable: false)))
        for filter in compiled.filters {
            let confinement = try policy.confinement(workspace: nil, workspaceWritable: false)
            let specification = try SyscallCatalogue.specification(
                for: confinement.syscalls, maySpawn: confinement.maySpawn, network: confinement.network, demands: filter.demands)
            #expect(try filter.program == FilterCompiler.compile(specification))
        }
        #expect(Set(compiled.filters.map(\.demands)).count == 8)
    }

    @Test(arguments: ["/usr", "/usr/src/project", "/", "/etc", "/etc/ssl", "relative", "/a/../b", "/a//b", "/a/", "/a\u{7}"])
    func `a workspace that meets the host's rules, or is none, is derived`(_ workspace: String) throws {
        let compiled = try #require(store.loadCompiled("workspace"))
        #expect(compiled.template.confinement(workspace: workspace, workspaceWritable: true) == nil)
    }

    @Test func `rules that look through directories are derived`() throws {
        try scratch.file(
            "shipped/programs.yaml", "version: 1\nname: programs\nextends: runtime\ncapabilities:\n  - {deny: \"shell:git\"}\n")
        #expect(try store.compile("programs") == nil)
    }

    @Test func `every flipped byte and every cut makes it worth nothing`() throws {
        let whole = try SmallFile.read(file)
        #expect(CompiledPolicy(encoded: whole, build: Self.build) != nil)
        for at in stride(from: 0, to: whole.count, by: 97) {
            var bytes = whole
            bytes[at] ^= 1 << UInt8(at % 8)
            #expect(CompiledPolicy(encoded: bytes, build: Self.build) == nil)
            #expect(CompiledPolicy(encoded: Array(whole[..<at]), build: Self.build) == nil)
        }
        #expect(CompiledPolicy(encoded: whole + [0], build: Self.build) == nil)
    }

    /// Behind a right checksum too, nothing out of bounds is believed, and nothing crashes.
    @Test func `fields are checked one by one`() throws {
        let policy = try #require(try store.compile("workspace"))
        let template = policy.template.encoded
        for at in stride(from: 0, to: template.count, by: 3) {
            for value in [UInt8(0xFF), 0x7F, template[at] &+ 1] {
                var bytes = template
                bytes[at] = value
                _ = try? ConfinementTemplate(encoded: bytes)
            }
            #expect(throws: MalformedBytes.self) { try ConfinementTemplate(encoded: Array(template[..<at])) }
        }
        let program = try #require(policy.filters.first).program.encoded
        #expect(throws: MalformedBytes.self) { try FilterProgram(encoded: Array(program.dropLast())) }
        #expect(throws: MalformedBytes.self) { try FilterProgram(encoded: []) }
    }

    @Test func `another build's is not taken`() {
        var other = store
        other.compiled.build = Array(2...21)
        #expect(other.loadCompiled("workspace") == nil)
        other.compiled.build = nil
        #expect(other.loadCompiled("workspace") == nil)
    }

    @Test(arguments: ["workspace", "guarded", "runtime"])
    func `an edited policy or parent is another policy`(_ edited: String) throws {
        let path = scratch.path + "/shipped/\(edited).yaml"
        // As long as before, and the times do not matter.
        var bytes = try SmallFile.read(path)
        let at = try #require(bytes.firstIndex(of: UInt8(ascii: "#")))
        bytes[at + 1] = UInt8(ascii: "!")
        try rewrite(path, bytes)
        #expect(store.loadCompiled("workspace") == nil)
        #expect(store.loadCompiled("runtime") == nil || edited != "runtime")
    }

    @Test func `what stops a policy from being read stops its compiled form`() throws {
        chmod(scratch.path + "/shipped/guarded.yaml", 0o666)
        #expect(store.loadCompiled("workspace") == nil)
        chmod(scratch.path + "/shipped/guarded.yaml", 0o644)
        #expect(store.loadCompiled("workspace") != nil)
        try scratch.directory("user")
        try scratch.file("user/runtime.yaml", "version: 1\nname: runtime\n")
        #expect(store.loadCompiled("workspace") == nil)
        #expect(throws: PolicyError.self) { try store.load("workspace") }
    }

    @Test func `a file that others may write is not taken`() {
        for mode: mode_t in [0o664, 0o646, 0o666] {
            chmod(file, mode)
            #expect(store.loadCompiled("workspace") == nil)
        }
        chmod(file, 0o644)
        #expect(store.loadCompiled("workspace") != nil)
    }

    @Test(.enabled(if: geteuid() == 0)) func `a file of somebody else is not taken`() {
        chown(file, 65534, 65534)
        #expect(store.loadCompiled("workspace") == nil)
    }

    @Test func `links, directories and pipes are not taken`() throws {
        rename(file, file + ".real")
        symlink(file + ".real", file)
        #expect(store.loadCompiled("workspace") == nil)
        unlink(file)
        mkdir(file, 0o755)
        #expect(store.loadCompiled("workspace") == nil)
        rmdir(file)
        mkfifo(file, 0o644)
        #expect(store.loadCompiled("workspace") == nil)
        unlink(file)
        #expect(store.loadCompiled("workspace") == nil)
    }

    @Test func `a path never means a compiled policy`() {
        for reference in ["./workspace", "../compiled/workspace", "workspace.yaml", ".", "..", "", "nothing"] {
            #expect(store.loadCompiled(reference) == nil)
        }
    }

    @Test func `one policy's file under another's name is not taken`() {
        rename(scratch.path + "/compiled/build", file)
        #expect(store.loadCompiled("workspace") == nil)
    }

    @Test func `what cannot be written whole is not written`() throws {
        let policy = try #require(try store.compile("workspace"))
        #expect(throws: SystemError.self) { try store.compiled.write(policy, to: scratch.path + "/absent") }
        // Nothing is written through a name that somebody has put there.
        do {
            symlink("/dev/full", scratch.path + "/compiled/.workspace.\(getpid()).new")
            #expect(throws: SystemError.self) { try store.compiled.write(policy, to: scratch.path + "/compiled") }
            unlink(scratch.path + "/compiled/.workspace.\(getpid()).new")
        }
        let before = try SmallFile.read(file)
        try store.compiled.write(policy, to: scratch.path + "/compiled")
        #expect(try SmallFile.read(file) == before)
        let handle = try PathResolution.openDirectory(path: scratch.path + "/compiled")
        #expect(try DirectoryListing.names(handle.rawValue).allSatisfy { !$0.hasPrefix(".") })
    }
}
