internal import CapabilityLanguage
internal import SandboxPolicy
internal import StrictJSON

/// Decides a call of one of an agent's own tools.
struct HookDecider: Sendable {
    let policy: ResolvedPolicy
    /// Real path of the project.
    let workspace: String
    /// What holds where no rule says anything: deny, or ask.
    var unnamed: Effect
    /// What the rules take away, looked at once for all words of a line.
    let guards: HookGuards

    init(policy: ResolvedPolicy, workspace: String, unnamed: Effect = .deny) {
        self.policy = policy
        self.workspace = workspace
        self.unnamed = unnamed
        guards = HookGuards(policy: policy, workspace: workspace)
    }

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
        case "Grep":
            let place = file("path", [.read], optional: true).and(hidden(request.input["glob"]))
            return place.and(search(below: searched(request), like: request.input["glob"], in: request.workingDirectory))
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

    func decide(_ text: String, _ rights: [CapabilityRight]) -> HookAnswer {
        do throws(ResourceProblem) {
            return decide(try Resource.parseAction(text), rights)
        } catch {
            return HookAnswer(.deny, "`\(text)` cannot be compared with rules: \(error.message)")
        }
    }

    func decide(_ resource: Resource, _ rights: [CapabilityRight]) -> HookAnswer {
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
        do throws(ResourceProblem) {
            var answer = decide(try named(real), rights)
            let written = HookPath.withoutDots(absolute)
            // Letter for letter the rules have decided; in another case a name may be the one that they guard.
            for path in [real, written ?? real] {
                guard let name = guards.covering(path, rights), !name.coversExactly(path) else { continue }
                answer = answer.and(HookAnswer(name.rule.effect, "in another letter case `\(path)` is what \(name.reason) is about"))
            }
            guard let written, !written.utf8.elementsEqual(real.utf8) else { return answer }
            let other = try named(written)
            return isRefused(other, rights) ? answer.and(decide(other, rights)) : answer
        } catch {
            return HookAnswer(.deny, "`\(path)` cannot be compared with rules: \(error.message)")
        }
    }

    func named(_ path: String) throws(ResourceProblem) -> Resource {
        if path.utf8.elementsEqual(workspace.utf8) { return Resource(kind: .filesystem, parts: ["workspace"], extent: .exact) }
        if path.utf8.starts(with: (workspace + "/").utf8) {
            let below = String(decoding: path.utf8.dropFirst(workspace.utf8.count + 1), as: UTF8.self)
            return try Resource.parseAction("filesystem:workspace:" + below)
        }
        return try Resource.parseAction("filesystem:host:" + path)
    }

    /// Whether some deny names it, rather than nothing.
    func isRefused(_ resource: Resource, _ rights: [CapabilityRight]) -> Bool {
        let decision = policy.decide(PolicyAction(resource: resource, rights: rights), workspace: workspace)
        return decision.effect == .deny && decision.rule != nil
    }

    private func searched(_ request: HookRequest) -> String {
        if case .string(let given)? = request.input["path"] { return given }
        return request.workingDirectory
    }

    /// A pattern may begin somewhere else than the directory it is looked for in.
    private func reach(of pattern: String, in request: HookRequest) -> HookAnswer {
        let parts = pattern.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        if parts.contains("..") || pattern.contains("{") && pattern.contains("/") {
            return HookAnswer(.ask, "the pattern `\(pattern)` may lead out of its directory")
        }
        let plain = parts.prefix { part in !part.utf8.contains { "*?[]{}()!+@\\".utf8.contains($0) } }
        let place = (pattern.hasPrefix("/") ? "" : searched(request)) + "/" + plain.joined(separator: "/")
        return file(place, [.read], in: request.workingDirectory)
            .and(search(below: place, like: .string(pattern), in: request.workingDirectory))
    }

    /// Secrets that policies deny by name begin with a dot, and a search that names such files reads them.
    private func hidden(_ pattern: JSONValue?) -> HookAnswer {
        guard let pattern else { return HookAnswer(.allow, "no pattern") }
        guard case .string(let text) = pattern else { return HookAnswer(.deny, "a pattern is no text") }
        let namesHidden = text.utf8.split(whereSeparator: { "/{,".utf8.contains($0) }).contains { $0.first == UInt8(ascii: ".") }
        return namesHidden ? HookAnswer(.ask, "the pattern `\(text)` names hidden files") : HookAnswer(.allow, "names no hidden files")
    }
}
