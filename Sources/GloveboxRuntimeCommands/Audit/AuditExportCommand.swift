internal import ArgumentParser
internal import CommandOutput
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import StrictJSON

struct AuditExportCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write all audit records, one JSON object a line, that anybody can check.",
        discussion: """
            Each line is {"hash":…,"previous_hash":…,"record":{…},"schema":"glovebox.audit/1"}. The hash is SHA-256 over the previous \
            hash and the text of `record`, byte for byte:

            sed -E 's/^.{9}(.{64}).{19}(.{64}).{11}(.*),"schema":"glovebox.audit.1".$/\\2\\3/' LINE | tr -d '\\n' | sha256sum
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("A new file, for its owner alone.", valueName: "file"), completion: .file())
    var output: String?
    @Option(help: ArgumentHelp("Records after this number.", valueName: "number")) var after: Int64 = 0
    @OptionGroup var options: StoreOptions

    private static let page = 500

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let count = try await options.withReader { store in
            let file = try Self.destination(output, isTerminal: TerminalWindow.isTerminal(1))
            var (last, count) = (after, 0)
            while true {
                let from = last
                let lines = try await store.read { store throws(LibOSError) in
                    let records = try store.audit(AuditQuery(after: from, limit: Self.page))
                    return (records.last?.sequence, try records.map { record throws(LibOSError) in try record.exportLine() })
                }
                guard let end = lines.0 else { return count }
                do throws(SystemError) {
                    try Transfer.writeAll(file.rawValue, Array((lines.1.joined(separator: "\n") + "\n").utf8))
                } catch {
                    throw CommandFailure.failed("the export could not be written (\(error.symbol)); what is there is not the whole")
                }
                last = end
                count += lines.1.count
            }
        }
        if output != nil { Console.note("glovebox: \(count) records") }
        return ExitStatus.success
    }

    /// Records hold the words of agents and tools. A terminal obeys some of their characters, and escaping those would change the
    /// bytes that the hashes are over.
    static func destination(_ path: String?, isTerminal: Bool) throws(CommandFailure) -> OwnedDescriptor {
        if path == nil, isTerminal {
            throw .usage(
                "audit records are not sent to a terminal, which obeys characters in them; name a file with --output, or use a pipe")
        }
        let number = path.map { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) } ?? fcntl(1, F_DUPFD_CLOEXEC, 3)
        let code = errno
        if number >= 0 { return OwnedDescriptor(adopting: number) }
        throw .failed("\(printable(path ?? "standard output")) cannot be made: \(String(cString: strerror(code))); name a new file")
    }
}
