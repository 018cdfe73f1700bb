internal import LibOSModel
internal import StrictJSON

extension ObjectMemory {
    /// Who owns the result of an ended process.
    static func resultOwner(_ id: ProcessID) -> String { "process_result:\(id)" }

    /// Deletes what an ended process owned: its own objects and the results that its children left to it. The process's own
    /// result stays, owned by `process_result:<pid>` from then on.
    func releaseOwned(by id: ProcessID, except result: ObjectID?, in transaction: any StoreTransaction) throws(LibOSError) {
        var owned = try transaction.objects(createdBy: id.text)
        for child in try transaction.children(of: id) {
            owned += try transaction.objects(createdBy: Self.resultOwner(child.id))
        }
        var released: [ObjectID] = []
        for var object in owned {
            if object.id == result {
                object.createdBy = Self.resultOwner(id)
                try transaction.update(object)
            } else {
                try transaction.delete(object.id)
                released.append(object.id)
            }
        }
        try transaction.audit(
            "memory.release_process_owned", by: "runtime", target: id.resourceText, inputs: released,
            .object(["released": .int(Int64(released.count)), "preserved": .ids([result].compactMap { $0 })]))
    }
}
