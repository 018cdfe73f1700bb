extension ProcessReading where Self: ProcessWriting {
    /// Charges a process and every ancestor, all or none. Throws `limit`, naming whose budget it is, when one of them has not
    /// that much left; then nothing is charged.
    package func charge(_ amount: Int64, of item: BudgetItem, to id: ProcessID) throws(LibOSError) {
        precondition(item.isConsumed && amount >= 0, "a width is not used up, and nothing is given back")
        var line: [AgentProcess] = []
        var next: ProcessID? = id
        while let current = next {
            var process = try existingProcess(current)
            let (used, overflow) = process.usage[item].addingReportingOverflow(amount)
            if let limit = process.budget[item], overflow || used > limit {
                let whose = current == id ? "its budget" : "the budget of its ancestor \(current)"
                throw LibOSError(
                    .limit, "process \(id) has used up \(whose) of \(item.rawValue): \(process.usage[item]) of \(limit)",
                    mend: "give the process a larger budget, or end it",
                    denial: Denial(layer: .budget, rule: "\(item.rawValue) of \(current)", reason: "the budget of \(limit) is used up"))
            }
            process.usage[item] = overflow ? .max : used
            line.append(process)
            next = process.parent
        }
        for process in line { try update(process) }
    }
}
