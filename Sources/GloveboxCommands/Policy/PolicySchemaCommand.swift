internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives

struct PolicySchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of policy files.",
        discussion: "An editor checks a policy that begins with: # yaml-language-server: $schema=PATH")

    @Flag(help: "Print the path of the schema instead.") var path = false

    func run() throws {
        guard let directory = PolicyStore.standard().shippedDirectory else {
            throw CommandFailure.failed("the shipped policies were not found, nor their schema; install Glovebox with `make install`")
        }
        let file = directory + "/schema/policy.schema.json"
        if path { return Console.print(file) }
        do {
            Console.write(try SmallFile.text(file), to: 1)
        } catch {
            throw CommandFailure.failed("\(file): cannot be read (\(error.symbol)); install Glovebox again with `make install`")
        }
    }
}
