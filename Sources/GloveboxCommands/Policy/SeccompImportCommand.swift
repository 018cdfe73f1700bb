internal import ArgumentParser
internal import CommandOutput
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON

struct SeccompImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turn a seccomp profile (JSON) into the `syscalls:` section of a policy.",
        discussion: """
            The section says how the profile differs from the base `default`, and never allows more than the profile. Calls that \
            the profile allows for some arguments only stay where Glovebox's own argument rules are as narrow, and are denied where \
            they are not; what no policy may allow is left out. All of them are listed in comments.
            """)

    @Argument(
        help: "The profile, in Docker's form or in the form of the OCI runtime specification.", completion: .file(extensions: ["json"]))
    var file: String
    @Flag(help: "Print JSON (glovebox.policy.seccomp/1).") var json = false

    func run() throws {
        let imported = try read()
        let section = try SeccompSection(imported)
        if json { return Console.printJSON(section.value) }
        Console.write(section.yaml(source: file), to: 1)
    }

    private func read() throws(CommandFailure) -> OCIImport {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SmallFile.read(file, limit: DocumentBounds.policy.bytes + 1)
        } catch {
            throw .failed("\(file): cannot be read (\(error.symbol)); check the path")
        }
        let document: JSONDocument
        do throws(JSONReadError) {
            document = try JSONDocument.read(bytes, bounds: .policy)
        } catch {
            throw .failed("\(file):\(error.description)")
        }
        let release = KernelFacts.release.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
        do throws(OCIProfileError) {
            return try OCIProfile.read(
                document.value,
                context: OCIImportContext(kernelMajor: release.first ?? 0, kernelMinor: release.dropFirst().first ?? 0))
        } catch {
            throw .failed("\(file): \(error.description)")
        }
    }
}
