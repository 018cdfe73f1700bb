/// The end of an explanation: how to allow more, and where the rest stands.
enum ExplainClosing {
    static func add(_ policy: ResolvedPolicy, refuses: Bool, to page: inout FoldedLines, _ style: ExplainStyle) {
        page.heading("To allow another directory")
        page.add("  ", "for one run: add --allow filesystem:host:/DIR=read to `glovebox run`", indent: 4)
        let line = #"- {allow: "filesystem:host:/DIR", rights: [read]}"#
        // Children of a root preset may widen; those of another policy may not. What extended the preset in its place would lose the
        // rest of this policy, so a copy is what grows.
        if let preset = policy.chain.last(where: \.isRootPreset), preset.name == name(policy) {
            page.add("  ", "for good: a policy of your own with `extends: \(preset.name)`, and under `capabilities:` the line", indent: 4)
            page.add("    ", line)
        } else if policy.chain.contains(where: \.isRootPreset) {
            let file = FoldedLines.whole(policy.chain.last { $0.file != ResolvedPolicy.commandLine }?.file ?? "its file")
            page.add(
                "  ",
                "for good: copy \(file) (`glovebox policy list --json` says where it lies) and keep its `extends:`; in the copy change `name:` "
                    + "and add under `capabilities:` the line", indent: 4)
            page.add("    ", line)
            let presets = policy.chain.filter(\.isRootPreset).map { "`\($0.name)`" }.joined(separator: ", ")
            page.add(
                "    ",
                "and run with --policy ./COPY.yaml. Extending \(name(policy)) would only narrow it; presets (\(presets)) grow that way.")
        } else {
            page.add("  ", "for good: a line in this policy itself; one that extends it can only narrow it.", indent: 4)
        }
        page.add("  ", "Rights are read, write, delete, execute; several as read,write. A `deny` rule outweighs every allow.", indent: 4)
        if refuses {
            page.add(
                "  ", "What is refused by name is refused in the workspace: a directory that you add brings its secrets along.", indent: 4)
        }
        if style.mechanisms { glossary(to: &page) }
        page.add("", "")
        let more = style.mechanisms ? "" : "--mechanisms says what in the kernel enforces each line. "
        let calls = " `glovebox policy seccomp export \(name(policy))` lists the system calls."
        page.add("", more + "--json prints everything for machines." + calls)
    }

    /// What the policy's own document is called; the command line is no document.
    private static func name(_ policy: ResolvedPolicy) -> String {
        policy.chain.last { $0.file != ResolvedPolicy.commandLine }?.name ?? policy.name
    }

    private static func glossary(to page: inout FoldedLines) {
        page.heading("What the words after `by:` mean")
        for (word, meaning) in [
            ("mount", "which files are there at all; read-only, noexec: the kernel lets nothing there be changed, or run"),
            ("tmpfs", "files that are kept in memory"),
            ("Landlock", "the kernel's check of each use of a file, by directory; words in capitals are its names of the rights"),
            ("filter", "seccomp: the kernel compares each system call with a list"),
            ("supervisor", "the Glovebox process outside: the kernel hands it certain calls, which it does for the tool or refuses"),
            ("cgroup", "the kernel's account of all processes of the run together; RLIMIT_…: of one process"),
        ] {
            page.add("  \(word)" + String(repeating: " ", count: 12 - word.count), meaning)
        }
    }
}
