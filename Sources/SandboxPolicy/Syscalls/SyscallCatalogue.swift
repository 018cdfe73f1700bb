internal import StrictJSON

/// Turns the `syscalls:` section of a resolved policy, and the facts of one run, into a filter specification.
package enum SyscallCatalogue {
    package static let operationNotPermitted: Int32 = 1
    package static let notImplemented: Int32 = 38

    /// The filter that a confinement asks for.
    ///
    /// Every call that Linux 6.18 names has a rule: allowed (perhaps by its arguments), refused and reported, or quietly absent.
    /// Other numbers get ENOSYS. Throws for an unknown base or word, and for an `allow` that no policy may have.
    package static func specification(
        for rules: SyscallRules, maySpawn: Bool, network: NetworkConfinement, demands: FilterDemands
    ) throws(SyscallRuleError) -> FilterSpecification {
        let allowed = try AllowedCalls(rules)
        let refusal: FilterAction = demands.canNotify ? .notify : .errno(operationNotPermitted)
        let context = ArgumentContext(
            mayFork: maySpawn && allowed.contain("fork"), mayExecute: maySpawn && allowed.contain("execve"),
            internetStreams: !network.isNone, internetDatagrams: network.loopback != nil, demands: demands, refusal: refusal)
        let narrowed = ArgumentRules.byCall(in: context)
        var result: [SyscallRule] = []
        result.reserveCapacity(SyscallTable.count * 3 / 2)
        for (number, name) in SyscallTable.all {
            guard let index = SyscallGroup.index(containing: name) else { continue }
            let group = SyscallGroup.all[index]
            // execve always has a rule: without it the launcher could not start the tool.
            if allowed.contain(name, ofGroup: index) || name == "execve" {
                result += allowingRules(name: name, number: number, group: group, arguments: narrowed[name])
            } else {
                let action = group.answer == .quiet ? .errno(notImplemented) : refusal
                result.append(SyscallRule(name: name, number: number, action: action, group: group.name))
            }
        }
        return FilterSpecification(rules: result, defaultAction: .errno(notImplemented))
    }

    /// Calls that the base and `allow` give and `deny` does not take.
    package static func allowedCalls(_ rules: SyscallRules) throws(SyscallRuleError) -> Set<String> {
        let allowed = try AllowedCalls(rules)
        return Set(SyscallTable.all.map(\.name).filter { allowed.contain($0) })
    }

    private static func allowingRules(
        name: String, number: Int32, group: SyscallGroup, arguments: ArgumentRules?
    ) -> [SyscallRule] {
        guard let arguments else {
            return [SyscallRule(name: name, number: number, action: .allow, group: group.name)]
        }
        var result = arguments.patterns.map {
            SyscallRule(name: name, number: number, conditions: $0.conditions, action: $0.action, group: group.name)
        }
        result.append(
            SyscallRule(name: name, number: number, action: arguments.otherwise, group: arguments.otherwiseGroup ?? group.name))
        return result
    }
}

/// A word of `syscalls:` that cannot be used.
package struct SyscallRuleError: Error, Sendable, Equatable, CustomStringConvertible {
    package var word: String
    package var message: String
    package var mend: String

    package var description: String { printable("\(message); \(mend)") }
}

/// Groups of rules whose notifications the supervisor decides instead of refusing. Any other notification is a refusal.
package enum NotificationGroup {
    package static let creation = "mediated-creation"
    package static let memfd = "mediated-memfd"
    package static let network = "mediated-network"
}

/// The address of the program's path in the launcher, at the one `execve` that a tool without process:spawn gets.
///
/// A filter cannot count calls, so the launcher's own execve is told apart by the pointer it passes. The compiled filter
/// carries a placeholder; each launch should draw a fresh random page (one of about 2^35), put the path there and patch the
/// filter. The mapping dies with the exec, and the tool cannot read the address. The pointer is a secret of one launch, not a
/// proof: whoever knows or guesses it can map a path there and call execve once more, and every wrong guess is reported.
/// Process creation is refused regardless of it, and what can be executed is Landlock's decision.
package enum ExecPointer {
    /// Stands in the compiled filter until a launch patches it; no user address has its upper half.
    package static let placeholder: UInt64 = 0x676c_6f76_6562_6f78
}
