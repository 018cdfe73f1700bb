internal import CapabilityLanguage
internal import StrictJSON

/// Processes, environment and limits, as steps.
extension ResolvedPolicy {
    func runSteps(_ confinement: Confinement) -> [DerivationStep] {
        let rule = spawnRule?.reference
        let isFree = confinement.maySpawn
        return [
            DerivationStep(
                section: .run,
                text: isFree
                    ? "it may start other programs: those in rows with an x"
                    : "one process; it may have threads, but starts no other program",
                mechanisms: [isFree ? "limit pids" : "filter refuses fork, vfork, clone of a process and every execve after the first"],
                location: rule?.location ?? "default", because: rule?.because),
            DerivationStep(
                section: .run, text: "its standard input, output and error are passed from and to the caller; it gets no other open file",
                mechanisms: ["descriptors 0, 1 and 2; the others are closed"], location: "default"),
        ] + sessionSteps()
    }

    func environmentSteps(_ confinement: Confinement) -> [DerivationStep] {
        func location(_ key: String, _ name: String) -> String {
            if let origin = origins["environment.\(key).\(name)"] { return origin.location }
            let rule = rules.last { $0.resource.kind == .environment && $0.effect == .allow && $0.resource.parts.first?.text == name }
            return rule?.reference.location ?? "default"
        }
        let stated = confinement.environment
        // What every tool gets stands where the policy says nothing else of it.
        let standard = EnvironmentRules.standard.filter { !stated.withheld.contains($0.key) && !stated.pass.contains($0.key) }
        var values = EnvironmentRules.standard
        for (name, _) in EnvironmentRules.standard where !standard.contains(where: { $0.key == name }) { values[name] = nil }
        values.merge(stated.set)
        let fixed = values.map { name, value in
            DerivationStep(
                section: .environment, text: "\(name)=\(value)", mechanisms: ["environment: made from nothing"],
                location: location("set", name))
        }
        // One line for the variables that one place names.
        var passed: [(location: String, names: [String])] = []
        for name in confinement.environment.pass {
            let place = location("pass", name)
            if let index = passed.firstIndex(where: { $0.location == place }) {
                passed[index].names.append(name)
            } else {
                passed.append((place, [name]))
            }
        }
        return fixed
            + passed.map {
                DerivationStep(
                    section: .environment, text: "copied from the caller where set: " + $0.names.joined(separator: ", "),
                    mechanisms: ["environment: made from nothing"],
                    location: $0.location)
            }
    }

    func limitSteps(_ confinement: Confinement) -> [DerivationStep] {
        LimitName.allCases.map { name in
            let amount = name.text(confinement.limits[name])
            let scope = name.scope(in: confinement)
            return DerivationStep(
                section: .limits, text: "\(name.rawValue) \(amount): \(scope)", mechanisms: ["limit: " + name.keeper],
                location: place(of: "limits.\(name.rawValue)"), key: name.rawValue, note: "\(amount): \(scope)")
        }
    }
}
