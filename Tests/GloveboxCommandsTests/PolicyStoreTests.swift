import Glibc
import SandboxPolicy
import TestSupport
import Testing

@testable import Glovebox
@testable import LinuxPrimitives

@Suite struct PolicyStoreTests {
    private let scratch: ScratchDirectory
    private let store: PolicyStore

    init() throws {
        scratch = try ScratchDirectory()
        let shipped = try scratch.directory("shipped")
        let user = try scratch.directory("user")
        let system = try scratch.directory("system")
        store = PolicyStore(userDirectories: [user, system], shippedDirectory: shipped)
        try scratch.file("shipped/base.yaml", "version: 1\nname: base\nroot_preset: true\n")
        try scratch.file("shipped/work.yaml", "version: 1\nname: work\nextends: base\n")
    }

    @Test(arguments: ["shipped/work.yaml", "shipped/base.yaml"])
    func `a policy that is kept is read again when a file of it was touched`(file: String) throws {
        let tracked = try store.loadTracked("work")
        let loaded = try store.load("work")
        #expect(tracked.isCurrent && tracked.policy == loaded)
        let text = try HostFile.text(scratch.path + "/" + file)
        try scratch.file(file, text + "limits: {pids: 5}\n")
        #expect(!tracked.isCurrent)
        let again = try store.loadTracked("work")
        #expect(again.isCurrent && again.policy != tracked.policy)
        #expect(unlink(scratch.path + "/" + file) == 0 && !again.isCurrent)
    }

    private func message(_ reference: String) -> String {
        do throws(PolicyError) {
            return "loaded \(try store.load(reference).name)"
        } catch {
            return error.description
        }
    }

    @Test func aNameFindsTheShippedPolicyAndItsParent() throws {
        let policy = try store.load("work")
        #expect(policy.chain.map(\.name) == ["base", "work"])
        #expect(policy.chain.map(\.file) == ["base.yaml", "work.yaml"])
    }

    @Test func usersBeforeTheSystem() throws {
        let mine = try scratch.file("user/mine.yaml", "version: 1\nname: mine\nextends: work\ndescription: first\n")
        try scratch.file("system/mine.yaml", "version: 1\nname: mine\nextends: work\ndescription: second\n")
        try scratch.file("system/theirs.json", #"{"version": 1, "name": "theirs", "extends": "mine"}"#)
        #expect(try store.load("mine").description == "first")
        #expect(try store.load("theirs").chain.map(\.file) == ["base.yaml", "work.yaml", mine, store.userDirectories[1] + "/theirs.json"])
        #expect(store.list().map(\.name) == ["base", "work", "mine", "theirs"])
        #expect(store.list().map(\.isShipped) == [true, true, false, false])
    }

    @Test func aShippedNameCannotBeTaken() throws {
        let shadow = try scratch.file("user/base.yaml", "version: 1\nname: base\n")
        let expected =
            "\(shadow): the file takes the name of the shipped policy `base`; rename it, and its `name:`; "
            + "the shipped one is \(scratch.path)/shipped/base.yaml"
        #expect(message("base") == expected)
        #expect(message("work").contains("the parent `base` cannot be read: \(expected)"))
    }

    @Test func aPathIsReadAsGivenAndItsNeighboursAreParents() throws {
        try scratch.directory("project")
        let child = try scratch.file("project/child.yaml", "version: 1\nname: child\nextends: near\n")
        let near = try scratch.file("project/near.yaml", "version: 1\nname: near\nextends: work\n")
        let policy = try store.load(child)
        #expect(policy.chain.map(\.file) == ["base.yaml", "work.yaml", near, child])
    }

    @Test(arguments: [
        ("wrok", "policy `wrok`: there is no policy of this name; did you mean `work`?"),
        (
            "unheard-of",
            "policy `unheard-of`: there is no policy of this name; known are: base, work; a file is named by a path, for example ./unheard-of.yaml"
        ),
        ("Work", "policy `Work`: that is no name of a policy; use a-z, 0-9, `-`, `_` and `.`, or give a path"),
        (".hidden", "policy `.hidden`: that is no name of a policy; use a-z, 0-9, `-`, `_` and `.`, or give a path"),
        (
            "/absent/p.yaml",
            "/absent/p.yaml: the policy cannot be read (ENOENT); check the path; a name without `/` and .yaml is looked for among the installed policies"
        ),
        ("/tmp/", "/tmp/: is no regular file; name a policy file"),
        ("/dev/zero", "/dev/zero: is no regular file; name a policy file"),
    ]) func refused(reference: String, expected: String) {
        #expect(message(reference) == expected)
    }

    @Test func aFileThatOthersMayWriteIsNoPolicy() throws {
        let open = try scratch.file("open.yaml", "version: 1\nname: open\n", mode: 0o646)
        #expect(message(open) == "\(open): everybody may write this policy, so it protects nobody; run: chmod o-w \(open)")
        let own = try scratch.file("own.yaml", "version: 1\nname: own\n", mode: 0o600)
        #expect(message(own) == "loaded own")
    }

    @Test func groupsMayNotWriteUnlessTheyAreTheOwnersOwn() throws {
        func identity(_ mode: UInt32, _ uid: UInt32, _ gid: UInt32) -> FileIdentity {
            FileIdentity(
                device: 1, inode: 1, mount: 1, size: 1, modifiedNanoseconds: 0, changedNanoseconds: 0, bornNanoseconds: 0, links: 1,
                mode: 0o100000 | mode,
                uid: uid, gid: gid)
        }
        #expect(PolicyFile.problem(identity(0o664, 1000, 1000), path: "p", ownedBy: nil) == nil)
        #expect(PolicyFile.problem(identity(0o644, 1000, 50), path: "p", ownedBy: nil) == nil)
        #expect(
            PolicyFile.problem(identity(0o664, 1000, 50), path: "p", ownedBy: nil)?.description
                == "p: the group 50 may write this policy; run: chmod g-w p")
    }

    @Test func aNameNeverMeansAnotherUsersFile() {
        let theirs = FileIdentity(
            device: 1, inode: 1, mount: 1, size: 1, modifiedNanoseconds: 0, changedNanoseconds: 0, bornNanoseconds: 0, links: 1,
            mode: 0o100644, uid: 1000,
            gid: 1000)
        #expect(PolicyFile.problem(theirs, path: "p", ownedBy: 1000) == nil)
        #expect(PolicyFile.problem(theirs, path: "p", ownedBy: nil) == nil)
        #expect(
            PolicyFile.problem(theirs, path: "p", ownedBy: 0)?.description
                == "p: this policy belongs to another user (1000); make it yours, or give its path instead of its name")
    }

    @Test func whereShippedPoliciesAre() throws {
        try scratch.directory("prefix/bin")
        let share = try scratch.directory("prefix/share/glovebox/policies")
        try scratch.file("prefix/share/glovebox/policies/runtime.yaml", "")
        #expect(PolicyStore.shipped(programDirectory: scratch.path + "/prefix/bin") == share)
        #expect(PolicyStore.shipped(programDirectory: scratch.path + "/prefix/libexec/glovebox") == share)
        let tree = try scratch.directory("tree/policies")
        try scratch.file("tree/policies/runtime.yaml", "")
        let deep = try scratch.directory("tree/1/2/3/4/5/6/7")
        #expect(PolicyStore.shipped(programDirectory: scratch.path + "/tree/1/2/3/4/5/6") == tree)
        #expect(PolicyStore.shipped(programDirectory: deep) == nil)
        #expect(PolicyStore.shipped(programDirectory: nil) == nil)
    }
}
