internal import CapabilityLanguage

/// Denials that cannot be placed by the text of paths alone: the launcher, which sees links and files, places them.
extension FileDerivation {
    /// What is denied at a path where no grant lies as it is written: a link may lead a grant there, or the path into a grant.
    ///
    /// Only of deny rules. An ask may be outweighed further down, and a denial of paths covers all that lies below.
    func standingDenial(_ node: [ResourcePart]) -> PathDenial? {
        let denying = set.rules(at: node).filter { $0.effect == .deny }
        guard let rule = denying.first else { return nil }
        return PathDenial(path: text(node), subtree: true, rights: FileRights(denying.flatMap(\.rights)), rule: rule.reference)
    }

    /// `shell` rules that refuse. A bare name is refused wherever it may be executed: the kernel compares files and knows no PATH.
    func deniedPrograms() -> [ProgramDenial] {
        var result: [ProgramDenial] = []
        for rule in programs.rules where rule.effect != .allow {
            guard let name = rule.resource.parts.first, programs.decidingRule(rule.resource, .execute)?.effect != .allow else { continue }
            let isExact = rule.resource.extent == .exact
            let except = programs.rules.filter {
                $0.effect == .allow && $0.resource != rule.resource && rule.resource.covers($0.resource)
                    && programs.decidingRule($0.resource, .execute)?.effect == .allow
            }
            result.append(
                ProgramDenial(
                    name: name.text, path: isExact ? rule.resource.parts.last?.text : nil,
                    except: except.compactMap(\.resource.parts.last?.text), rule: Self.refusal(rule)))
        }
        return result
    }
}
