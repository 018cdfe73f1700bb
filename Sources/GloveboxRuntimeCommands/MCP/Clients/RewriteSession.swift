internal import CommandOutput
internal import LinuxPrimitives
internal import MCPClients
internal import StrictJSON

/// Changes entries of clients' configurations: shows the change, asks, writes.
struct RewriteSession {
    /// What shall happen with one entry; nil leaves it alone.
    typealias Change = (ServerEntry, ServerStanding, ClientConfiguration) throws(EntryRefusal) -> (edits: [TextEdit], notes: [String])?

    var options: ClientOptions
    var isDryRun: Bool
    var isAgreed: Bool
    /// As in "sealed".
    var done: String

    private struct Plan {
        var place: KnownClient.Place
        var file: ConfigurationFile
        var configuration: ClientConfiguration
        var edits: [TextEdit] = []
        var names: [String] = []
        var notes: [String] = []
    }

    /// - Parameter name: of the servers that are meant; nil for all.
    func perform(_ name: String?, _ interruption: Interruption, _ change: Change) async throws -> Int32 {
        let own = ServerStanding.ownPrograms()
        var plans: [Plan] = []
        var refused: [(place: String, name: String, reason: String)] = []
        var isFound = false
        for found in try options.find() {
            let file: ConfigurationFile
            let configuration: ClientConfiguration
            switch found.content {
            case .success(let content): (file, configuration) = content
            case .failure(let problem):
                refused.append((found.place.path, "", "cannot be read: \(problem.message)"))
                continue
            }
            var plan = Plan(place: found.place, file: file, configuration: configuration)
            for entry in configuration.entries where name.map({ $0.utf8.elementsEqual(entry.name.utf8) }) ?? true {
                isFound = true
                let standing = ServerStanding(entry, at: found.place, ownPrograms: own)
                do throws(EntryRefusal) {
                    guard let (edits, notes) = try change(entry, standing, configuration) else { continue }
                    plan.edits += edits
                    plan.names.append(entry.name)
                    plan.notes += notes.map { "\(entry.name): \($0)" }
                } catch {
                    // Of all, those that cannot be meant are none of the question.
                    if name == nil, standing.state == .remote || standing.state == .own { continue }
                    refused.append((found.place.path, entry.name, error.reason))
                }
            }
            if !plan.edits.isEmpty { plans.append(plan) }
        }
        if let name, !isFound, refused.isEmpty {
            throw CommandFailure.failed("no client has a server called `\(printable(name))`; `glovebox mcp scan` lists them")
        }
        for refusal in refused {
            Console.complain("\(refusal.place): " + (refusal.name.isEmpty ? "" : "`\(refusal.name)` is left as it is: ") + refusal.reason)
        }
        var written: [JSONValue] = []
        var isComplete = refused.isEmpty
        for plan in plans {
            do {
                if let entry = try await carryOut(plan, interruption) { written.append(entry) }
            } catch let refusal as ConfigurationFile.Refusal {
                Console.complain("\(plan.place.path) is left as it is: \(refusal)")
                isComplete = false
            } catch let error as SystemError {
                Console.complain("\(plan.place.path) is left as it is: \(error)")
                isComplete = false
            }
        }
        if options.json {
            let left = refused.map {
                JSONValue.object(["file": .string($0.place), "name": .string($0.name), "reason": .string($0.reason)])
            }
            Document.print(
                "mcp.rewrite/1",
                [
                    JSONMember("action", .string(done)), JSONMember("dry_run", .bool(isDryRun)), JSONMember("files", .array(written)),
                    JSONMember("refused", .array(left)),
                ])
        } else if plans.isEmpty, refused.isEmpty {
            Console.print("nothing is to be \(done)")
        }
        return isComplete ? ExitStatus.success : ExitStatus.negative
    }

    /// Nil when the person said no.
    private func carryOut(_ plan: Plan, _ interruption: Interruption) async throws -> JSONValue? {
        let new = TextEdit.apply(plan.edits, to: plan.configuration.bytes)
        let diff = UnifiedDiff.text(
            of: plan.edits, in: plan.configuration.bytes, name: plan.place.path, hiding: plan.configuration.entries.flatMap(\.secrets))
        // Of what was meant nothing may be lost on the way.
        guard (try? ClientConfiguration.read(new, plan.place.layout))?.entries.count == plan.configuration.entries.count else {
            throw ConfigurationFile.Refusal(description: "the changed text would not be read again; this is an error of Glovebox")
        }
        var backup: String?
        if !options.json {
            Console.print(SafeText.clean(diff).trimmingLastNewline)
            for note in plan.notes { Console.print("note: " + SafeText.line(note)) }
        }
        if !isDryRun {
            guard try await isConfirmed(plan, interruption) else {
                Console.note("glovebox: \(SafeText.line(plan.place.path)) is left as it is")
                return nil
            }
            backup = try plan.file.replace(with: new, below: plan.place.root)
            if !options.json {
                Console.print(
                    "\(done): \(SafeText.line(plan.names.joined(separator: ", "))); the file as it was: \(SafeText.line(backup ?? ""))\n")
            }
        }
        return .object([
            "client": .string(plan.place.client.rawValue), "file": .string(plan.place.path), "names": .strings(plan.names),
            "diff": .string(diff), "notes": .strings(plan.notes), "backup": .optional(backup),
        ])
    }

    private func isConfirmed(_ plan: Plan, _ interruption: Interruption) async throws -> Bool {
        if isAgreed { return true }
        let prompt: TerminalPrompt
        do throws(CommandFailure) {
            prompt = try TerminalPrompt(interruption)
        } catch {
            throw CommandFailure.failed("\(error.message); look at the change with --dry-run, then add --yes")
        }
        guard let word = await prompt.ask("change \(SafeText.line(plan.place.path))? [y/N]") else { return false }
        return PromptWord.isYes(word)
    }
}

extension String {
    fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
