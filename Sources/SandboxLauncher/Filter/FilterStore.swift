internal import SandboxPolicy
internal import Synchronization

/// Compiled filters by policy: deriving a specification costs more than the rest of a launch's preparation together.
final class FilterStore: Sendable {
    private struct Key: Hashable {
        var policyHash: String
        var demands: FilterDemands
    }

    private let programs = Mutex<[Key: FilterProgram]>([:])
    private static let limit = 64

    func program(for confinement: Confinement, policyHash: String, demands: FilterDemands) throws(LaunchError) -> FilterProgram {
        let key = Key(policyHash: policyHash, demands: demands)
        if let known = programs.withLock({ $0[key] }) { return known }
        let program: FilterProgram
        do {
            let specification = try SyscallCatalogue.specification(
                for: confinement.syscalls, maySpawn: confinement.maySpawn, network: confinement.network, demands: demands)
            program = try FilterCompiler.compile(specification)
        } catch let error as SyscallRuleError {
            throw LaunchError(.filter, error.message, mend: error.mend)
        } catch {
            throw LaunchError(.filter, "the filter could not be compiled: \(error)", mend: "report this as a defect")
        }
        programs.withLock { programs in
            if programs.count >= Self.limit { programs.removeAll() }
            programs[key] = program
        }
        return program
    }
}
