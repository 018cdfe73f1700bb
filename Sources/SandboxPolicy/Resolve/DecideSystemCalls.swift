internal import CapabilityLanguage

/// Decisions about system calls, from the filter that a run would get.
extension ResolvedPolicy {
    func systemCallFinding(_ resource: Resource) -> Finding {
        guard let word = resource.parts.first?.text else { return Finding(nil) }
        guard let group = word.utf8.first == UInt8(ascii: "@") ? SyscallGroup.all.first(where: { $0.name == word }) : .containing(word)
        else { return Self.final("Linux 6.18 on x86-64 has no such call or group") }
        if case .never(let why) = group.standing { return Self.final("no policy may allow \(group.name): \(why)") }
        let rules = ruleSet(of: .syscall)
        func rule(_ word: String) -> PolicyRule? { rules.decidingRule(Resource(kind: .syscall, parts: [word], extent: .exact), .execute) }
        let stating = [rule(word), rule(group.name)].compactMap(\.self)
        if let refusing = stating.filter({ $0.effect != .allow }).min(by: { $0.effect < $1.effect }) { return Finding(refusing) }
        for denied in [word, group.name] where statedSyscalls.deny.contains(denied) {
            return Finding(.deny, by: stated("syscalls.deny.\(denied)", "syscalls: {deny: [\"\(denied)\"]}"))
        }
        let filter: FilterSpecification
        let allowed: Set<String>
        do throws(SyscallRuleError) {
            let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: false)
            let network = (try? networkConfinement()) ?? NetworkConfinement()
            filter = try SyscallCatalogue.specification(for: syscalls, maySpawn: maySpawn, network: network, demands: demands)
            allowed = try SyscallCatalogue.allowedCalls(syscalls)
        } catch {
            return Self.final("a run does not start: \(error.description)")
        }
        var byArguments = false
        for name in word == group.name ? group.members : [word] {
            let actions = filter.rules.filter { $0.name == name }.map(\.action)
            guard allowed.contains(name), actions.contains(.allow), name != "execve" || maySpawn else {
                return refusal(of: name, asked: word, isInBase: allowed.contains(name))
            }
            byArguments = byArguments || actions.contains { $0 != .allow }
        }
        let setting = [word, group.name].first { statedSyscalls.allow.contains($0) }
        let reference =
            setting.map { stated("syscalls.allow.\($0)", "syscalls: {allow: [\"\($0)\"]}") }
            ?? stating.first?.reference ?? stated("syscalls.base", "syscalls: {base: \(syscalls.base)}")
        return Finding(.allow, by: reference).with(caveat: byArguments ? "some arguments are refused, or need a grant of their own" : nil)
    }

    private var maySpawn: Bool { spawnRule?.effect == .allow }

    /// Why a call that is not forbidden as such is refused all the same.
    private func refusal(of name: String, asked word: String, isInBase: Bool) -> Finding {
        guard isInBase else {
            var finding = Finding(nil)
            if name != word { finding.reason = "no rule of `\(self.name)` allows \(name)" }
            // A call of the group may be denied by itself.
            if syscalls.deny.contains(name) {
                finding.reason = "\(name) is denied, and no allow outweighs a deny"
                finding.isFinal = true
            }
            return finding
        }
        guard SyscallAdvice.spawningCalls.contains(name), !maySpawn else {
            return Self.final("\(name) is answered with an error whatever its arguments")
        }
        if let rule = spawnRule, rule.effect != .allow { return Finding(rule) }
        var finding = Finding(.deny)
        finding.reason = "\(name) needs process:spawn, which no rule of `\(self.name)` allows"
        finding.grant = "{allow: \"process:spawn\", rights: [execute]}"
        return finding
    }

    private static func final(_ reason: String) -> Finding {
        var finding = Finding(.deny)
        finding.reason = reason
        finding.isFinal = true
        return finding
    }
}
