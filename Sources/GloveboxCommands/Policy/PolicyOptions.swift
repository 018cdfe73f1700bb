internal import ArgumentParser
internal import Glovebox
internal import SandboxPolicy

/// One policy, with what a command line adds to it, as `run` would use it.
struct PolicyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Allow more, as `run --allow` would.", valueName: "resource=right,…"))
    var allow: [String] = []

    @Option(help: ArgumentHelp("Deny more, as `run --deny` would.", valueName: "resource=right,…"))
    var deny: [String] = []

    func load(_ reference: String) throws(PolicyError) -> ResolvedPolicy {
        try PolicyStore.standard().load(reference).adding(PolicyOverrides(allow: allow, deny: deny))
    }
}
