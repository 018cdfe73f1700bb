internal import CapabilityLanguage
internal import SandboxPolicy
internal import StrictJSON

/// Decides a call of one of an agent's own tools.
struct HookDecider: Sendable {
    let policy: ResolvedPolicy
    /// Real path of the project.
    let workspace: String
    /// What holds where no rule says anything: deny, or ask.
    var unnamed: Effect = .deny

    func decide(_ request: HookRequest) -> HookAnswer {
        func file(_ key: String, _ rights: [CapabilityRight], optional: Bool = false) -> HookAnswer {
            switch request.input[key] {
            case .string(let path)?: return self.file(path, rights, in: request.workingDirectory)
            case nil where optional: return self.file(request.workingDirectory, rights, in: request.workingDirectory)
            default: return HookAnswer(.deny, "`\(request.tool)` came without `\(key)`")
            }
        }
        switch request.tool {
        case "Read": return file("file_path", [.read])
        case "NotebookRead": return file("notebook_path", [.read])
        case "Write": return file("file_path", [.write])
        case "Edit", "MultiEdit": return file("file_path", [.read, .write])
        case "NotebookEdit": return file("notebook_path", [.read, .write])
        case "LS": return file("path", [.read])
        case "Grep": return file("path", [.read], optional: true).and(hidden(request.input["glob"]))
        case "Glob":
            let place = file("path", [.read], optional: true)
            guard case .string(let pattern)? = request.input["pattern"] else { return HookAnswer(.deny, "`Glob` came without `pattern`") }
            return place.and(reach(of: pattern, in: request)).and(hidden(request.input["pattern"]))
        case "Bash":
            guard case .string(let line)? = request.input["command"] else { return HookAnswer(.deny, "`Bash` came without `command`") }
            return shell(ShellLine(line), request)
        case "WebFetch":
            guard case .string(let url)? = request.input["url"] else { return HookAnswer(.deny, "`WebFetch` came without `url`") }
            return fetch(url)
        case "WebSearch":
            let closed = policy.rules.first { $0.effect == .deny && $0.resource.kind == .network && $0.resource.parts.count < 2 }
            if let closed {
                return HookAnswer(.deny, "denied by \(closed.reference.text) at \(closed.reference.location)", resource: "network:*")
            }
            return HookAnswer(.ask, "a search asks hosts that nobody can name before")
        default:
            if request.tool.hasPrefix("mcp__") { return server(request.tool) }
            return HookAnswer(.ask, "no rule can be about the tool `\(request.tool)`")
        }
    }

    // MARK: - Rules

    private func decide(_ text: String, _ rights: [CapabilityRight]) -> HookAnswer {
        let resource: Resource
        do throws(ResourceProblem) {
            resource = try Resource.parseAction(text)
        } catch {
            return HookAnswer(.deny, "`\(text)` cannot be compared with rules: \(error.message)")
        }
        let decision = policy.decide(PolicyAction(resource: resource, rights: rights), workspace: workspace)
        // Nothing but the policy's silence: a person may be asked, where that is wanted.
        let effect = decision.effect == .deny && decision.rule == nil ? unnamed : decision.effect
        return HookAnswer(effect, decision.reason, resource: "\(resource)")
    }

    // MARK: - Files

    /// Of the file's real path; a denial of the path as it was written counts too.
    func file(_ path: String, _ rights: [CapabilityRight], in directory: String) -> HookAnswer {
        if path.isEmpty || path.hasPrefix("~") { return HookAnswer(.ask, "`\(path)` is no plain path") }
        let absolute = path.hasPrefix("/") ? path : directory + "/" + path
        let real: String
        do throws(HookPath.Problem) {
            real = try HookPath.real(absolute)
        } catch {
            return HookAnswer(.deny, error.message)
        }
        let answer = decide(named(real), rights)
        guard let written = HookPath.withoutDots(absolute), !written.utf8.elementsEqual(real.utf8) else { return answer }
        let other = decide(named(written), rights)
        return other.effect == .deny && other.resources != answer.resources && isRuled(named(written), rights) ? answer.and(other) : answer
    }

    private func named(_ path: String) -> String {
        if path.utf8.elementsEqual(workspace.utf8) { return "filesystem:workspace:." }
        if path.utf8.starts(with: (workspace + "/").utf8) {
            return "filesystem:workspace:" + String(decoding: path.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
        }
        return "filesystem:host:" + path
    }

    /// Whether some deny names it, rather than nothing.
    private func isRuled(_ text: String, _ rights: [CapabilityRight]) -> Bool {
        guard let resource = try? Resource.parseAction(text) else { return true }
        let decision = policy.decide(PolicyAction(resource: resource, rights: rights), workspace: workspace)
        return decision.effect == .deny && decision.rule != nil
    }

    /// A pattern may begin somewhere else than the directory it is looked for in.
    private func reach(of pattern: String, in request: HookRequest) -> HookAnswer {
        let parts = pattern.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        if parts.contains("..") || pattern.contains("{") && pattern.contains("/") {
            return HookAnswer(.ask, "the pattern `\(pattern)` may lead out of its directory")
        }
        guard pattern.hasPrefix("/") else { return HookAnswer(.allow, "a pattern below its directory") }
        let plain = parts.prefix { part in !part.utf8.contains { "*?[]{}!".utf8.contains($0) } }
        return file("/" + plain.joined(separator: "/"), [.read], in: "/")
    }

    /// Secrets that policies deny by name begin with a dot, and a search that names such files reads them.
    private func hidden(_ pattern: JSONValue?) -> HookAnswer {
        guard let pattern else { return HookAnswer(.allow, "no pattern") }
        guard case .string(let text) = pattern else { return HookAnswer(.deny, "a pattern is no text") }
        let namesHidden = text.utf8.split(whereSeparator: { "/{,".utf8.contains($0) }).contains { $0.first == UInt8(ascii: ".") }
        return namesHidden ? HookAnswer(.ask, "the pattern `\(text)` names hidden files") : HookAnswer(.allow, "names no hidden files")
    }

    // MARK: - Shell

    /// Programs that start others, which their words name in ways of their own.
    private static let starters: Set<String> = [
        "sudo", "doas", "su", "env", "xargs", "nohup", "nice", "timeout", "setsid", "bash", "sh", "dash", "zsh", "ksh", "fish", "eval",
        "exec", "source", ".", "command", "builtin", "find", "parallel", "watch", "ssh", "busybox", "trap", "alias",
    ]

    private func shell(_ line: ShellLine, _ request: HookRequest) -> HookAnswer {
        var answer = decide("process:spawn", [.execute])
        if answer.effect == .allow { answer = HookAnswer(.allow, "each program is allowed by its name") }
        if let unclear = line.unclear {
            answer = answer.and(HookAnswer(.ask, "the command line cannot be judged: \(unclear)"))
        } else if line.commands.isEmpty, line.redirections.isEmpty {
            return answer.and(HookAnswer(.ask, "the command line is empty"))
        }
        for command in line.commands { answer = answer.and(program(command, request)) }
        for redirection in line.redirections where redirection.path != "/dev/null" {
            answer = answer.and(file(redirection.path, [redirection.writes ? .write : .read], in: request.workingDirectory))
        }
        return answer
    }

    private func program(_ words: [String], _ request: HookRequest) -> HookAnswer {
        let name = words[0]
        let base = String(decoding: name.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        var answer: HookAnswer
        if name.contains("/"), !name.hasPrefix("/") {
            answer = file(name, [.execute], in: request.workingDirectory)
            answer = answer.and(HookAnswer(.ask, "`\(name)` is a program of the project, and no sandbox is around it"))
        } else {
            answer = decide("shell:" + name, [.execute])
            // Sealed, a program may be allowed because of what it cannot reach. Here it reaches all.
            if answer.effect == .allow, !isNamed(name) {
                answer = HookAnswer(
                    .ask, "no `shell:` rule allows `\(name)`, and no sandbox is around it", resource: answer.resources.first)
            }
        }
        if Self.starters.contains(base) { answer = answer.and(HookAnswer(.ask, "`\(base)` starts what its words say")) }
        for word in words.dropFirst() { answer = answer.and(argument(word, of: base, request)) }
        return answer
    }

    private func isNamed(_ program: String) -> Bool {
        guard let resource = try? Resource.parseAction("shell:" + program) else { return false }
        return policy.rules.contains { $0.effect == .allow && $0.resource.kind == .shell && $0.resource.covers(resource) }
    }

    /// What a word names is not known; what it looks like is held against the rules.
    private func argument(_ word: String, of program: String, _ request: HookRequest) -> HookAnswer {
        var answer = HookAnswer(.allow, "each program is allowed by its name")
        let base = String(decoding: word.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        if let resource = try? Resource.parseAction("shell:" + base),
            let rule = policy.rules.first(where: { $0.effect == .deny && $0.resource.kind == .shell && $0.resource.covers(resource) })
        {
            answer = HookAnswer(.ask, "`\(word)` may be the program that \(rule.reference.text) at \(rule.reference.location) denies")
        }
        for part in word.utf8.split(whereSeparator: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }) {
            let text = String(decoding: part, as: UTF8.self)
            if text.hasPrefix("~") { answer = answer.and(HookAnswer(.ask, "`\(text)` names a home directory")) }
            guard text.contains("/") || text.hasPrefix("."), !text.hasPrefix("//") else { continue }
            var found = file(text, [.read], in: request.workingDirectory)
            // Not every word with a slash is a path: silence of the rules is a question, their no is a no.
            if found.effect == .deny, !isDenied(text, request) { found.effect = .ask }
            answer = answer.and(found)
        }
        return answer
    }

    private func isDenied(_ path: String, _ request: HookRequest) -> Bool {
        let absolute = path.hasPrefix("/") ? path : request.workingDirectory + "/" + path
        guard let real = try? HookPath.real(absolute) else { return false }
        return isRuled(named(real), [.read]) || HookPath.withoutDots(absolute).map { isRuled(named($0), [.read]) } == true
    }

    // MARK: - Network and servers

    private func fetch(_ url: String) -> HookAnswer {
        guard let target = HookURL.target(url) else { return HookAnswer(.deny, "`\(url.prefix(200))` is no address of http or https") }
        return decide("network:tcp:\(target.host):\(target.port)", [.connect])
    }

    /// `mcp__SERVER__TOOL`, in each way that it can be read.
    private func server(_ name: String) -> HookAnswer {
        let body = Array(name.utf8.dropFirst("mcp__".utf8.count))
        var answer: HookAnswer?
        for at in body.indices.dropFirst() where at + 1 < body.count && body[at] == UInt8(ascii: "_") && body[at + 1] == UInt8(ascii: "_") {
            let server = String(decoding: body[..<at], as: UTF8.self)
            let tool = String(decoding: body[(at + 2)...], as: UTF8.self)
            if server.isEmpty || tool.isEmpty { continue }
            let one = decideTool(server, tool)
            answer = answer?.and(one) ?? one
        }
        return answer ?? HookAnswer(.deny, "`\(name)` names no tool of a server")
    }

    private func decideTool(_ server: String, _ tool: String) -> HookAnswer {
        let text = "mcp:\(server):\(tool)"
        guard !server.contains(":"), !tool.contains(":"), let resource = try? Resource.parseAction(text) else {
            return HookAnswer(.deny, "no rule can name the tool `\(tool)` of `\(server)`")
        }
        let decision = policy.decide(PolicyAction(resource: resource, rights: [.execute]), workspace: workspace)
        var answer = HookAnswer(decision.effect, decision.reason, resource: text)
        // What `glovebox mcp run` lets through without a rule, it has sealed.
        if decision.effect == .deny, decision.rule == nil { answer = HookAnswer(.ask, "no rule names \(text)", resource: text) }
        let onValues = policy.rules.first {
            $0.resource.kind == .mcp && $0.resource.parts.count > resource.parts.count && $0.resource.parts.starts(with: resource.parts)
        }
        if let onValues {
            answer = answer.and(
                HookAnswer(
                    .ask,
                    "\(onValues.reference.text) at \(onValues.reference.location) is about values, which only `glovebox mcp run` compares"))
        }
        return answer
    }
}
