import Testing

@testable import SandboxPolicy

@Suite struct ExplainTests {
    static let here = Fixtures.root + "/Tests/Fixtures/explain"
    static let place = "/WORKSPACE"

    static func text(_ policy: ResolvedPolicy, width: Int = 80, mechanisms: Bool = false) throws -> String {
        let steps = try policy.derivation(workspace: place, workspaceWritable: true)
        let style = ExplainStyle(width: width, mechanisms: mechanisms, workspace: place, isPlaceholder: true)
        return ExplainText.render(policy, steps: steps, style: style)
    }

    /// A shipped policy on lines that never break.
    static func wide(_ name: String, mechanisms: Bool = false) throws -> String {
        try text(Fixtures.load(name + ".yaml"), width: 10_000, mechanisms: mechanisms)
    }

    @Test(arguments: [("small", false), ("open", true)]) func reads(name: String, mechanisms: Bool) throws {
        let explained = try Self.text(Fixtures.load(name + ".yaml", in: Self.here), mechanisms: mechanisms)
        #expect(explained == String(decoding: try Fixtures.bytes("\(Self.here)/\(name).txt"), as: UTF8.self))
    }

    @Test(arguments: ShippedPoliciesTests.names, [80, 120]) func noLineIsWiderThanTheTerminal(name: String, width: Int) throws {
        for mechanisms in [false, true] {
            let lines = try Self.text(Fixtures.load(name), width: width, mechanisms: mechanisms).split(separator: "\n")
            #expect(lines.filter { $0.count > width } == [])
        }
    }

    @Test(arguments: [("build", "256", "build.yaml:15"), ("shell", "128", "shell.yaml:11"), ("workspace", "64", "runtime.yaml:38")])
    func theNumberOfProcessesStandsWhereItIsStated(name: String, count: String, place: String) throws {
        let text = try Self.wide(name)
        #expect(text.contains("pids        \(count): processes and threads at once, all together [\(place)]"))
        #expect(text.contains("it may start other programs: those in rows with an x [runtime.yaml:33]"))
    }

    @Test func oneProcessHasThreadsOnly() throws {
        let text = try Self.wide("compute")
        #expect(text.contains("one process; it may have threads, but starts no other program [compute.yaml:8]"))
        #expect(text.contains("64: threads at once; there is only one process"))
        #expect(!text.contains("processes and threads"))
    }

    @Test func sizesThatOverlapAreToldApart() throws {
        let compute = try Self.wide("compute")
        #expect(compute.contains("128MiB: size of any one file; less in /tmp, by the limit tmp"))
        #expect(compute.contains("nothing here, no row lets it; /tmp is memory and does not count"))
        #expect(try Self.wide("workspace").contains("192MiB: written to disk and not deleted, by all processes together; /tmp is memory"))
        let even = try Fixtures.policy("version: 1\nname: t\nlimits: {file: 1MiB, tmp: 2MiB}\n")
        #expect(try Self.text(even, width: 400).contains("1MiB: size of any one file [policy.yaml:3]"))
    }

    @Test func guardedShowsTheNamesThatItPromises() throws {
        let text = try Self.wide("guarded")
        #expect(text.contains("No row above grants these places."))
        #expect(text.contains("holds secrets of the project [guarded.yaml:11-18]\n      .env, .env.local, "))
        #expect(text.contains("chooses filters that git runs [guarded.yaml:39, 44]\n      .git/info/attributes, .gitattributes\n"))
    }

    @Test(arguments: ["read-only", "workspace", "python", "shell", "build"]) func theWorkspaceHasItsExceptions(name: String) throws {
        let text = try Self.wide(name)
        #expect(text.contains("/WORKSPACE: the workspace, except what is refused by name ["))
        #expect(text.contains("/WORKSPACE stands for the directory that --workspace names"))
        #expect(text.contains("`.env` does not cover `sub/.env`."))
        let open = try Fixtures.rules("allow: 'filesystem:workspace:*', rights: [read]")
        #expect(try Self.text(open, width: 200).contains("/WORKSPACE: the workspace [policy.yaml:4]"))
    }

    @Test func readOnlyOwnsUpToItsPrivateDirectory() throws {
        let text = try Self.wide("read-only")
        #expect(text.contains("changes nothing in it; writes only to its private /tmp"))
        #expect(text.contains("r---  /WORKSPACE: "))
        #expect(text.contains("rwd-  /tmp, /dev/shm: the run's own"))
    }

    /// The one name that the policies treat differently says why on both sides.
    @Test func npmrcIsExplained() throws {
        #expect(try Self.wide("build").contains("npm trusts, and package builds must read it [guarded.yaml:73]\n      .npmrc\n"))
        #expect(try Self.wide("shell").contains("only package builds (policy build) need to read it [shell.yaml:9]\n      .npmrc\n"))
    }

    /// As the launcher mounts it: who may run what lies in the workspace may run what lies in `/tmp`.
    @Test func programsInTheTemporaryDirectory() throws {
        #expect(try Self.wide("shell").contains("rwdx  /tmp: "))
        #expect(try Self.wide("shell").contains("rwd-  /dev/shm: "))
        let host = try Fixtures.rules("allow: 'filesystem:host:/tmp', rights: [read]")
        let text = try Self.text(host, width: 400)
        #expect(text.contains("r---  /tmp [policy.yaml:4]"))
        #expect(text.contains("rwd-  /dev/shm: the run's own"))
    }

    @Test(arguments: ["workspace", "read-only", "compute", "shell", "python", "build"])
    func everyPolicySaysWhatOfProc(name: String) throws {
        let reads = ["shell", "python", "build"].contains(name)
        let note = reads ? "about the processes of this run; of no other process" : "of processes only their ids"
        #expect(try Self.wide(name).contains(note))
    }

    /// Names are made by the supervisor, so no tool has Landlock's rights to make them.
    @Test func mechanismsAreTheKernelsOwn() throws {
        let text = try Self.wide("build", mechanisms: true)
        #expect(text.contains("Landlock READ_FILE READ_DIR WRITE_FILE TRUNCATE REMOVE_FILE REMOVE_DIR EXECUTE; supervisor: makes"))
        for word in ["REFER", "MAKE_"] { #expect(!text.contains(word)) }
        #expect(!(try Self.wide("build")).contains("by: "))
        #expect(try Self.wide("build").contains("--mechanisms says what in the kernel enforces each line."))
    }

    @Test func onlyAPresetMayBeWidened() throws {
        // Who wants more of `workspace` keeps what it refuses: a copy of it, not of what it extends.
        #expect(try Self.wide("workspace").contains("for good: copy workspace.yaml "))
        #expect(try Self.wide("workspace").contains("Extending workspace would only narrow it"))
        #expect(try Self.wide("guarded").contains("for good: a policy of your own with `extends: guarded`"))
        #expect(!(try Self.wide("guarded")).contains("would only narrow"))
        let alone = try Fixtures.rules("allow: 'filesystem:workspace:*', rights: [read]")
        #expect(try Self.text(alone, width: 200).contains("for good: a line in this policy itself"))
    }

    @Test func colourAddsNothingToTheText() throws {
        let policy = try Fixtures.load("workspace.yaml")
        let steps = try policy.derivation(workspace: Self.place, workspaceWritable: true)
        var painted = 0
        let style = ExplainStyle(workspace: Self.place, isPlaceholder: true) { text, _ in
            painted += 1
            return "\u{1B}[2m\(text)\u{1B}[0m"
        }
        let text = ExplainText.render(policy, steps: steps, style: style)
        #expect(painted > 20)
        let bare = text.split(separator: "\u{1B}[2m", omittingEmptySubsequences: false).joined()
            .split(separator: "\u{1B}[0m", omittingEmptySubsequences: false).joined()
        #expect(bare == (try Self.text(policy)))
    }

    @Test func placesOfOneFileAreCounted() {
        #expect(PlaceList.text(["a:3", "a:1", "a:2", "b:9", "command line", "a:7"]) == "a:1-3, 7; b:9; command line")
    }

    /// Nothing of a policy reaches the terminal as a command, and a path keeps its spaces.
    @Test func pathsAreShownAsTheyAre() throws {
        let policy = try Fixtures.rules("allow: 'filesystem:host:/opt/two  words', rights: [read]")
        #expect(try Self.text(policy, width: 20).contains("\"/opt/two  words\""))
    }
}
