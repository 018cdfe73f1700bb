/// What charging needs to know of a process: little, and read often.
package struct ProcessAccount: Sendable, Hashable {
    package var id: ProcessID
    package var parent: ProcessID?
    package var budget: ResourceBudget
    package var usage: ResourceUsage

    package init(id: ProcessID, parent: ProcessID?, budget: ResourceBudget, usage: ResourceUsage) {
        self.id = id
        self.parent = parent
        self.budget = budget
        self.usage = usage
    }
}

extension ProcessReading where Self: ProcessWriting {
    /// Charges a process and every ancestor, all or none. Throws `limit`, naming whose budget it is, when one of them has not
    /// that much left; then nothing is charged.
    package func charge(_ amount: Int64, of item: BudgetItem, to id: ProcessID) throws(LibOSError) {
        precondition(item.isConsumed && amount >= 0, "a width is not used up, and nothing is given back")
        if amount == 0 { return }
        var line = try line(of: id)
        for index in line.indices {
            let account = line[index]
            let (used, overflow) = account.usage[item].addingReportingOverflow(amount)
            if let limit = account.budget[item], overflow || used > limit {
                let whose = account.id == id ? "its budget" : "the budget of its ancestor \(account.id)"
                throw LibOSError(
                    .limit, "process \(id) has used up \(whose) of \(item.rawValue): \(account.usage[item]) of \(limit)",
                    mend: "give the process a larger budget, or end it",
                    denial: Denial(layer: .budget, rule: "\(item.rawValue) of \(account.id)", reason: "the budget of \(limit) is used up"))
            }
            line[index].usage[item] = overflow ? .max : used
        }
        for account in line { try update(account) }
    }

    /// Charges what has been used already, whether there was a budget for it or not: of each item no more than what all of the line
    /// have left, so that the next use finds the budget empty.
    package func charge(spent amounts: [BudgetItem: Int64], to id: ProcessID) throws(LibOSError) {
        var line = try line(of: id)
        var hasCharged = false
        for (item, amount) in amounts {
            precondition(item.isConsumed && amount >= 0, "a width is not used up, and nothing is given back")
            let left = line.reduce(amount) { left, account in
                min(left, account.budget[item].map { max(0, $0 - account.usage[item]) } ?? (Int64.max - account.usage[item]))
            }
            if left == 0 { continue }
            for index in line.indices { line[index].usage[item] += left }
            hasCharged = true
        }
        if hasCharged { for account in line { try update(account) } }
    }

    /// The process and its ancestors, it first.
    private func line(of id: ProcessID) throws(LibOSError) -> [ProcessAccount] {
        var line: [ProcessAccount] = []
        var next: ProcessID? = id
        while let current = next {
            guard let account = try account(of: current) else { throw .notFound("process \(current)") }
            line.append(account)
            next = account.parent
        }
        return line
    }
}
