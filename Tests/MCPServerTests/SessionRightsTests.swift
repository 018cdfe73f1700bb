import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SandboxPolicy
import SandboxTestSupport
import Testing
import ToolBroker

@testable import MCPServer

/// What a session may do, and what is said of its tools because of that.
@Suite struct SessionRightsTests {
    private static func registry() throws -> ToolRegistry {
        let registry = ToolRegistry()
        try registry.load(directory: Products.policies + "/tools")
        return registry
    }

    private static func selection(
        _ policy: ResolvedPolicy, names: [String]? = nil, given: [(Effect, String, Set<CapabilityRight>)] = []
    ) throws -> ToolSelection {
        let terms = try given.map { CapabilityTerms(resource: try Resource.parse($0.1), rights: $0.2, effect: $0.0) }
        return try ToolSelection(from: registry(), names: names, session: SessionRights(policy: policy, given: terms)) {
            name throws(PolicyError) in
            guard let shipped = try? TestPolicies.shipped(name) else {
                throw PolicyError(file: name, message: "there is no such policy", mend: "name one")
            }
            return shipped.bounded(by: policy)
        }
    }

    private static func annotations(_ selection: ToolSelection, _ name: String) throws -> OfferedTool.Annotations {
        try #require(selection.entries.first { $0.manifest.name == name }).offered.annotations
    }

    @Test func `only what some call of could be allowed is offered, in the order of names`() throws {
        let names = { (policy: ResolvedPolicy) throws in try Self.selection(policy).entries.map(\.manifest.name) }
        #expect(
            try names(try TestPolicies.shipped("read-only")) == [
                "echo", "get_current_time", "parse_pytest_log", "read_directory", "read_text_file", "run_shell_command", "sleep",
            ])
        #expect(
            try names(try TestPolicies.shipped("workspace")) == [
                "delete_directory", "delete_file", "echo", "get_current_time", "parse_pytest_log", "read_directory", "read_text_file",
                "run_shell_command", "sleep", "write_directory", "write_text_file",
            ])
        #expect(
            try names(try TestPolicies.inline(["deny: 'clock:*'"])) == ["echo", "parse_pytest_log", "run_shell_command"])
        #expect(
            try names(try TestPolicies.inline(["deny: 'shell:*', because: x", "allow: 'clock:now', rights: [read]"])) == [
                "echo", "get_current_time", "parse_pytest_log",
            ])
    }

    @Test func `annotations follow the policy and not the name of a tool`() throws {
        let reading = try Self.selection(try TestPolicies.shipped("read-only"))
        let writing = try Self.selection(try TestPolicies.shipped("workspace"))
        typealias Notes = OfferedTool.Annotations
        let harmless = Notes(isReadOnly: true, isDestructive: false, isIdempotent: true, isOpenWorld: false)
        for name in ["read_text_file", "run_shell_command", "echo", "get_current_time"] {
            #expect(try Self.annotations(reading, name) == harmless, "\(name)")
        }
        #expect(try Self.annotations(writing, "read_text_file") == harmless)
        #expect(
            try Self.annotations(writing, "run_shell_command")
                == Notes(isReadOnly: false, isDestructive: true, isIdempotent: false, isOpenWorld: false))
        #expect(
            try Self.annotations(writing, "write_text_file")
                == Notes(isReadOnly: false, isDestructive: true, isIdempotent: true, isOpenWorld: false))
        #expect(
            try Self.annotations(writing, "write_directory")
                == Notes(isReadOnly: false, isDestructive: false, isIdempotent: true, isOpenWorld: false))
        #expect(
            try Self.annotations(writing, "delete_file")
                == Notes(isReadOnly: false, isDestructive: true, isIdempotent: false, isOpenWorld: false))
        // Asking first changes nothing about what a call does.
        let asking = try Self.selection(
            try TestPolicies.shipped("workspace"), given: [(.ask, "filesystem:workspace:*", [.write])])
        #expect(try Self.annotations(asking, "write_text_file").isDestructive)
        #expect(!writing.entries.contains { $0.mayChangeUnwatched != ($0.manifest.name == "run_shell_command") })
    }

    @Test func `tools are chosen by name, and what no session has a use for is refused`() throws {
        let policy = try TestPolicies.shipped("workspace")
        #expect(
            try Self.selection(policy, names: ["read_text_file", "create_memory_object", "read_text_file"]).entries.map(\.manifest.name)
                == [
                    "create_memory_object", "read_text_file",
                ])
        for name in ["spawn_child_process", "ask_human", "process_exit", "receive_process_messages", "exec_process"] {
            #expect(throws: ToolSelection.Problem.notOffered(name)) { try Self.selection(policy, names: [name]) }
        }
        #expect(throws: ToolSelection.Problem.notAllowed("write_text_file")) {
            try Self.selection(try TestPolicies.shipped("read-only"), names: ["write_text_file"])
        }
    }

    @Test func `a program is allowed by name, or each by its place`() throws {
        let all = SessionRights(policy: try TestPolicies.shipped("workspace"), given: []).terms
        #expect(all.contains { $0.resource.description == "shell:*" && $0.effect == .allow })
        let named = SessionRights(policy: try TestPolicies.inline(["allow: 'shell:git'"]), given: []).terms
        #expect(!named.contains { $0.resource.description == "shell:*" })
    }

    @Test func `a tool's policy gives no more than the session's`() throws {
        let session = try TestPolicies.inline(
            ["allow: 'filesystem:workspace:src', rights: [read]", "deny: 'filesystem:host:/usr/bin/perl', because: x"],
            more: "limits: {wall: 5s}\nsyscalls: {deny: [ptrace]}\n")
        let tool = try TestPolicies.shipped("shell").bounded(by: session)
        func effect(_ text: String) throws -> Effect { tool.decide(try PolicyAction.parse(text)).effect }
        #expect(try effect("filesystem:workspace:src/a read") == .allow)
        #expect(try effect("filesystem:workspace:src/a write") == .deny)
        #expect(try effect("filesystem:workspace:other read") == .deny)
        #expect(try effect("filesystem:host:/usr/bin/env read,execute") == .allow)
        #expect(try effect("filesystem:host:/usr/bin/perl read") == .deny)
        #expect(try effect("filesystem:workspace:.env read") == .deny, "its own denials stay")
        #expect(tool.limits[.wall] == 5_000)
        #expect(tool.syscalls.deny.contains("ptrace"))
        #expect(tool.isSubset(of: try TestPolicies.shipped("shell")))
    }
}
