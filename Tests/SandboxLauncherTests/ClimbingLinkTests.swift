import Glibc
import LinuxPrimitives
import SandboxPolicy
import TestSupport
import Testing

@testable import SandboxLauncher

/// A denied name that is a link depends on every directory that its text goes through, also on those that a `..` leaves again.
@Suite struct ClimbingLinkTests {
    private static let rule = RuleReference(policy: "test", file: "test.yaml", line: 1, text: "deny")

    private func with(_ body: (_ path: String, _ denials: NameDenials) throws -> Void) throws {
        let scratch = try ScratchDirectory("climbing")
        defer { scratch.remove() }
        let path = try PathResolution.canonicalPath(scratch.path)
        try #require(mkdir(path + "/a", 0o755) == 0 && mkdir(path + "/a/b", 0o755) == 0)
        try HostFile.write(path + "/secret", "x")
        try #require(symlink("a/b/../../secret", path + "/.env") == 0)
        let grant = SandboxPlan.ResolvedGrant(path: path, rights: [.read, .write, .delete], subtree: true, rule: Self.rule)
        let denial = PathDenial(path: path + "/.env", subtree: true, rights: [.read, .write, .delete], rule: Self.rule)
        try body(path, try NameDenials([denial], within: [grant]))
    }

    @Test func `what is kept of a decision looks at the directories that it leaves`() throws {
        try with { path, denials in
            let places = try #require(denials.places)
            #expect(places.contains(path + "/a"), "the name a/b stands there: \(places)")
            #expect(places.contains(path))
        }
    }

    @Test func `those directories may not be exchanged for others`() throws {
        try with { path, denials in
            for name in ["/a/b", "/a", "/.env", "/secret"] {
                #expect(denials.denial(of: path + name, for: [.delete]) != nil, "\(name)")
            }
            #expect(denials.covers.contains { $0.target == path + "/secret" })
        }
    }

    /// Whose the files of a tool are is read anew when the directory was given to somebody else. Only root works as others.
    @Test func `a source that has another owner, or is open to everybody, is not what was planned`() throws {
        let scratch = try ScratchDirectory("owner")
        defer { scratch.remove() }
        let path = try PathResolution.canonicalPath(scratch.path)
        try #require(chmod(path, 0o755) == 0)
        let before = try FileIdentity.of(path: path, followingLink: false)
        let owner = BindSource.Owner(of: before)
        let source = BindSource(path: path, device: before.device, inode: before.inode, owner: owner)
        let mount = MountEntry(kind: .bind(source), target: path)
        let sources = try #require(SandboxSources(mounts: [mount], pathRules: [], covers: []))
        #expect(sources.areUnchanged)
        guard getuid() == 0 else {
            #expect(owner == .init(user: getuid(), group: before.gid == 0 ? getuid() : before.gid))
            return
        }
        #expect(owner == .init(user: 0, group: 0))
        try #require(chmod(path, 0o777) == 0)
        #expect(
            BindSource.Owner(of: try FileIdentity.of(path: path, followingLink: false)) == .init(user: 65534, group: 65534, isShared: true))
        #expect(!sources.areUnchanged)
        #expect(SandboxSources(mounts: [mount], pathRules: [], covers: []) == nil)
        try #require(chmod(path, 0o755) == 0 && chown(path, 1000, 1000) == 0)
        #expect(BindSource.Owner(of: try FileIdentity.of(path: path, followingLink: false)) == .init(user: 1000, group: 1000))
        #expect(!sources.areUnchanged)
    }
}
