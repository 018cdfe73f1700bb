internal import CapabilityLanguage
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Command lines of `Bash`: each program by its name, each file that is written or read, and each word that looks like one.
extension HookDecider {
    /// Programs that start others, which their words name in ways of their own.
    private static let starters: Set<String> = [
        "sudo", "doas", "su", "env", "xargs", "nohup", "nice", "timeout", "setsid", "bash", "sh", "dash", "zsh", "ksh", "fish", "eval",
        "exec", "source", ".", "command", "builtin", "find", "parallel", "watch", "ssh", "busybox", "trap", "alias",
    ]

    /// Programs after which the words of others mean other files.
    private static let movers: Set<String> = ["cd", "pushd", "popd", "chdir", "chroot"]
    /// Words, and readings of words as paths, that are looked at: more than this and the rest is a question.
    private static let mostWords = 512
    private static let mostReadings = 1024

    func shell(_ line: ShellLine, _ request: HookRequest) -> HookAnswer {
        var answer = decide("process:spawn", [.execute])
        if answer.effect == .allow { answer = HookAnswer(.allow, "each program is allowed by its name") }
        if let unclear = line.unclear {
            answer = answer.and(HookAnswer(.ask, "the command line cannot be judged: \(unclear)"))
        } else if line.commands.isEmpty, line.redirections.isEmpty {
            return answer.and(HookAnswer(.ask, "the command line is empty"))
        }
        var room = Self.mostWords
        var readings = Self.mostReadings
        for command in line.commands where room > 0 {
            answer = answer.and(program(Array(command.prefix(room)), request, &readings))
            room -= command.count
        }
        let words = line.commands.reduce(line.redirections.count) { $0 + $1.count }
        if words > Self.mostWords {
            answer = answer.and(HookAnswer(.ask, "the command line has more than \(Self.mostWords) words"))
        } else if readings <= 0 {
            answer = answer.and(HookAnswer(.ask, "the command line's words may name more than \(Self.mostReadings) files"))
        }
        for redirection in line.redirections.prefix(Self.mostWords) where redirection.path != "/dev/null" {
            answer = answer.and(file(redirection.path, [redirection.writes ? .write : .read], in: request.workingDirectory))
        }
        return answer
    }

    private func program(_ words: [String], _ request: HookRequest, _ readings: inout Int) -> HookAnswer {
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
        if Self.movers.contains(base) { answer = answer.and(HookAnswer(.ask, "after `\(base)` names mean other files")) }
        if base == "git", let word = words.dropFirst().first(where: ShellWord.isGitConfiguration) {
            answer = answer.and(HookAnswer(.ask, "`git \(word)` may name programs that git runs"))
        }
        let use = ShellWord.Use(program: base)
        if ShellWord.searchesHere(words, program: base) { answer = answer.and(argument(.init(path: "."), use, request)) }
        for word in words.dropFirst() {
            guard readings > 0 else { return answer }
            answer = answer.and(programNamed(word))
            guard let paths = ShellWord.readings(of: word) else {
                answer = answer.and(HookAnswer(.ask, "`\(word.prefix(64))…` is too long to be looked at"))
                continue
            }
            readings -= paths.count
            for path in paths { answer = answer.and(argument(path, use, request)) }
        }
        return answer
    }

    private func isNamed(_ program: String) -> Bool {
        guard let resource = try? Resource.parseAction("shell:" + program) else { return false }
        return policy.rules.contains { $0.effect == .allow && $0.resource.kind == .shell && $0.resource.covers(resource) }
    }

    private static let silent = HookAnswer(.allow, "each program is allowed by its name")

    private func programNamed(_ word: String) -> HookAnswer {
        let base = String(decoding: word.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        guard let resource = try? Resource.parseAction("shell:" + base),
            let rule = policy.rules.first(where: { $0.effect == .deny && $0.resource.kind == .shell && $0.resource.covers(resource) })
        else { return Self.silent }
        return HookAnswer(.ask, "`\(word)` may be the program that \(rule.reference.text) at \(rule.reference.location) denies")
    }

    /// What a program does with a word is not known. What the word may name is held against the rules for whatever the program
    /// could do with it: their no to reading is a no, everything else that they do not allow is a question.
    private func argument(_ word: ShellWord.Reading, _ use: ShellWord.Use, _ request: HookRequest) -> HookAnswer {
        let text = word.path
        if text.hasPrefix("~") { return word.isCertain ? HookAnswer(.ask, "`\(text)` names a home directory") : Self.silent }
        let absolute = text.hasPrefix("/") ? text : request.workingDirectory + "/" + text
        var places = [HookPath.withoutDots(absolute), try? HookPath.real(absolute)].compactMap { $0 }
        if places.count == 2, places[0].utf8.elementsEqual(places[1].utf8) { places.removeLast() }
        var answer = Self.silent
        let changes: [CapabilityRight] = use == .changes ? [.write, .delete] : []
        for place in places {
            if let name = guards.covering(place, [.read]) {
                let effect = word.isCertain ? name.rule.effect : .ask
                answer = answer.and(
                    HookAnswer(effect, "`\(text)` is what \(name.reason) is about", resource: (try? named(place))?.description))
            } else if let name = guards.covering(place, changes) {
                answer = answer.and(HookAnswer(.ask, "`\(text)` is what \(name.reason) is about"))
            }
            guard use != .names else { continue }
            if let name = guards.below(place, [.read] + changes).first {
                answer = answer.and(HookAnswer(.ask, "\(name.reason) is about files below `\(text)`"))
            }
        }
        guard answer.effect != .deny, word.isCertain else { return answer }
        guard text.contains("/") || text.hasPrefix(".") || Self.exists(absolute) else { return answer }
        // Not every word with a slash is a path: silence of the rules is a question, their no is a no.
        for right in use == .changes ? [CapabilityRight.read, .write] : [.read] {
            var found = file(text, [right], in: request.workingDirectory)
            if found.effect == .deny, right == .write || !isDenied(text, request) { found.effect = .ask }
            answer = answer.and(found)
        }
        return answer
    }

    private static func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try FileIdentity.of(path: path, followingLink: false)
            return true
        } catch {
            return error.errno != ENOENT && error.errno != ENOTDIR && error.errno != ENAMETOOLONG
        }
    }

    private func isDenied(_ path: String, _ request: HookRequest) -> Bool {
        let absolute = path.hasPrefix("/") ? path : request.workingDirectory + "/" + path
        return [try? HookPath.real(absolute), HookPath.withoutDots(absolute)].contains { path in
            guard let path, let resource = try? named(path) else { return false }
            return isRefused(resource, [.read])
        }
    }
}
