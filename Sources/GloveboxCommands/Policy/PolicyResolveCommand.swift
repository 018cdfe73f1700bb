internal import ArgumentParser
internal import CommandOutput
internal import SandboxPolicy

struct PolicyResolveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Print a policy with everything that it inherits, and its hash.")

    @Argument(help: "A policy by its name or by the path of its file.") var policy = "workspace"
    @OptionGroup var options: PolicyOptions
    @Flag(help: "Print JSON (glovebox.policy/1): the canonical form that is hashed, and where each rule stands.") var json = false

    func run() throws {
        let loaded = try options.load(policy)
        if json { return Console.printJSON(loaded.resolvedValue) }
        Console.print("\(loaded.name)  \(loaded.hash)")
        Console.print("from " + loaded.chain.map(\.name).joined(separator: " → "))
        Console.print("")
        for rule in loaded.rules { Console.print(SafeText.line("\(rule.reference.text)  [\(rule.reference.location)]")) }
        Console.print("")
        for name in LimitName.allCases { Console.print("limit \(name.rawValue) \(name.text(loaded.limits[name]))") }
        let environment = loaded.environment
        if !environment.pass.isEmpty { Console.print("pass " + environment.pass.joined(separator: " ")) }
        for (name, value) in environment.set.sorted(by: { $0.key < $1.key }) { Console.print(SafeText.line("set \(name)=\(value)")) }
        let syscalls = loaded.syscalls
        Console.print("syscalls base \(syscalls.base)")
        if !syscalls.deny.isEmpty { Console.print("syscalls deny " + syscalls.deny.joined(separator: " ")) }
        if !syscalls.allow.isEmpty { Console.print("syscalls allow " + syscalls.allow.joined(separator: " ")) }
        if let channel = loaded.askChannel { Console.print("ask channel \(channel.rawValue)") }
        if let sessions = loaded.sessions {
            Console.print(SafeText.line("sessions \(sessions.tools.joined(separator: ", ")): \(sessions.bounds)"))
        }
        for protection in loaded.waived.sorted() { Console.print("waive \(protection.rawValue)") }
    }
}
