internal import CapabilityLanguage
internal import SandboxPolicy

/// Command lines of `Bash`: each program by its name, each file that is written or read, and each word that looks like one.
extension HookDecider {
    /// Programs that start others, which their words name in ways of their own.
    private static let starters: Set<String> = [
        "sudo", "doas", "su", "env", "xargs", "nohup", "nice", "timeout", "setsid", "bash", "sh", "dash", "zsh", "ksh", "fish", "eval",
        "exec", "source", ".", "command", "builtin", "find", "parallel", "watch", "ssh", "busybox", "trap", "alias",
    ]

    func shell(_ line: ShellLine, _ request: HookRequest) -> HookAnswer {
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
        return [try? HookPath.real(absolute), HookPath.withoutDots(absolute)].contains { path in
            guard let path, let resource = try? named(path) else { return false }
            return isRefused(resource, [.read])
        }
    }
}
