internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy
internal import StrictJSON

struct PolicyListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the policies that have a name here.")

    @Flag(help: "Print JSON (glovebox.policy.list/1).") var json = false

    func run() throws {
        let store = PolicyStore.standard()
        let entries = store.list().map { entry in
            (entry: entry, result: Result { () throws(PolicyError) in try store.load(entry.name) })
        }
        if json {
            Console.printJSON(
                .object([
                    "schema": .string("glovebox.policy.list/1"),
                    "policies": .array(
                        entries.map { entry, result in
                            var members = [
                                JSONMember("name", .string(entry.name)), JSONMember("path", .string(entry.path)),
                                JSONMember("shipped", .bool(entry.isShipped)),
                            ]
                            switch result {
                            case .success(let policy):
                                members.append(JSONMember("description", .optional(policy.description)))
                                members.append(JSONMember("hash", .string(policy.hash)))
                            case .failure(let error): members.append(JSONMember("error", .string(error.description)))
                            }
                            return .object(members)
                        }),
                ]))
            return
        }
        let width = entries.map(\.entry.name.count).max() ?? 0
        for (entry, result) in entries {
            let pad = String(repeating: " ", count: width - entry.name.count)
            switch result {
            case .success(let policy): Console.print("\(entry.name)\(pad)  \(SafeText.line(policy.description ?? ""))")
            case .failure(let error): Console.print("\(entry.name)\(pad)  cannot be used: \(error.description)")
            }
        }
        if let shipped = store.shippedDirectory {
            Console.note("shipped in \(SafeText.line(shipped)); yours go into \(SafeText.line(store.userDirectories.first ?? ""))")
        }
    }
}
