internal import CapabilityLanguage

/// Decisions about files and programs, which are files too: rules of both kinds count for both.
extension ResolvedPolicy {
    func fileFinding(_ resource: Resource, _ right: CapabilityRight, workspace: String?) -> Finding {
        var place = FileDerivation.Place.unnamed
        do throws(PolicyError) {
            if let workspace { place = try .init(path: workspace, isGranted: true, isWritable: true) }
        } catch {
            var finding = Finding(.deny)
            finding.reason = error.description
            finding.isFinal = true
            return finding
        }
        let files = FileDerivation(policy: self, search: environment.set["PATH"], workspace: place)
        guard resource.kind == .filesystem else { return files.programFinding(resource) }
        let below = Array(resource.parts.dropFirst())
        return files.finding(resource.parts.first?.text == "workspace" ? place.parts + below : below, right)
    }
}

extension FileDerivation {
    private static let copies = "a copy of the program under another name is not covered"

    /// One right on one path.
    func finding(_ node: [ResourcePart], _ right: CapabilityRight) -> Finding {
        if right == .execute, let nothingRuns { return Finding(nothingRuns) }
        let covering = set.covering(node)
        let found = Finding(covering.decidingRule(right))
        // A file of a refused program is hidden as a whole, where it could be executed otherwise.
        if nothingRuns == nil, let program = programRule(node) {
            if program.effect != .allow {
                guard covering.effect(.execute) == .allow, program.effect < found.effect else { return found }
                return Finding(program).with(caveat: Self.copies)
            }
            let gives = right == .read || right == .execute
            if found.rule == nil, gives, !isRefused(covering), programPaths(program.resource).contains(node) { return Finding(program) }
        }
        return found
    }

    /// What a `shell` action finds: the file of an absolute path, or the first in PATH that may be executed.
    func programFinding(_ resource: Resource) -> Finding {
        if let rule = programs.decidingRule(resource, .execute), rule.effect != .allow { return Finding(rule).with(caveat: Self.copies) }
        var refused: Finding?
        for node in programPaths(resource) {
            let found = finding(node, .execute)
            if found.effect == .allow {
                return found.with(caveat: resource.extent == .exact ? nil : "PATH decides which file of that name runs, if one is there")
            }
            if refused == nil || found.rule != nil { refused = found }
        }
        return refused ?? Finding(nil)
    }

    /// The `shell` rule about the program at a path.
    private func programRule(_ node: [ResourcePart]) -> PolicyRule? {
        guard !programs.rules.isEmpty, let name = node.last?.text else { return nil }
        return programs.decidingRule(Resource(kind: .shell, parts: [name, text(node)], extent: .exact), .execute)
    }
}
