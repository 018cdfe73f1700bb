package import SandboxPolicy
internal import Synchronization

/// A filter that was compiled before for a policy, and what it was compiled for.
package struct CompiledFilter: Sendable, Equatable {
    package var demands: FilterDemands
    package var program: FilterProgram

    package init(demands: FilterDemands, program: FilterProgram) {
        self.demands = demands
        self.program = program
    }
}

/// Compiled filters by policy: deriving a specification costs more than the rest of a launch's preparation together.
final class FilterStore: Sendable {
    private struct Entry {
        var policyHash: String
        var filter: CompiledFilter
    }

    private let entries = Mutex<[Entry]>([])
    private static let limit = 64

    func program(for request: RunRequest, demands: FilterDemands) throws(LaunchError) -> FilterProgram {
        if let known = request.compiledFilters.first(where: { $0.demands == demands }) { return known.program }
        return try program(for: request.confinement, policyHash: request.policyHash, demands: demands)
    }

    func program(for confinement: Confinement, policyHash: String, demands: FilterDemands) throws(LaunchError) -> FilterProgram {
        let known = entries.withLock { entries in entries.first { $0.policyHash == policyHash && $0.filter.demands == demands } }
        if let known { return known.filter.program }
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
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            entries.append(Entry(policyHash: policyHash, filter: CompiledFilter(demands: demands, program: program)))
        }
        return program
    }
}
