package protocol ObjectReading {
    func object(_ id: ObjectID) throws(LibOSError) -> AgentObject?
    /// Those of the objects that are there, without their payloads.
    func heads(of ids: [ObjectID]) throws(LibOSError) -> [ObjectID: ObjectHead]
    func object(named name: String, in namespace: String) throws(LibOSError) -> AgentObject?
    /// Oldest first, at most the query's limit.
    func objects(_ query: ObjectQuery) throws(LibOSError) -> [AgentObject]
    func objects(createdBy creator: String) throws(LibOSError) -> [AgentObject]
    func links(from id: ObjectID) throws(LibOSError) -> [ObjectLink]
    func namespace(_ name: String) throws(LibOSError) -> ObjectNamespace?
    func namespaces(below parent: String?) throws(LibOSError) -> [ObjectNamespace]
}

package protocol ObjectWriting {
    /// Throws `validation` when the name is taken in the namespace.
    func insert(_ object: AgentObject) throws(LibOSError)
    func update(_ object: AgentObject) throws(LibOSError)
    func delete(_ id: ObjectID) throws(LibOSError)
    func insert(_ link: ObjectLink) throws(LibOSError)
    func insert(_ namespace: ObjectNamespace) throws(LibOSError)
}
