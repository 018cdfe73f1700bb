internal import LinuxPrimitives
internal import SandboxPolicy

extension PolicyStore {
    /// What was compiled of a shipped policy, when every file it comes from has the bytes that it was compiled from, is found where
    /// it would be found now, and may be read as any policy file may. Nil otherwise, whatever the reason: then `load` says it.
    package func loadCompiled(_ reference: String) -> CompiledPolicy? {
        guard shippedDirectory != nil, Self.isName(reference), !Self.isPath(reference), let policy = compiled.load(reference),
            policy.sources.first?.name == reference
        else { return nil }
        var places = self
        // A directory that is not there holds no file that takes a name: one look instead of one for each name and ending.
        places.userDirectories.removeAll { !Self.exists($0) }
        for source in policy.sources {
            guard let place = try? places.find(source.name, beside: nil), place.isShipped, place.shown == source.shown,
                let bytes = try? PolicyFile.read(place.path, mustBeOurs: place.mustBeOurs), bytes == source.bytes
            else { return nil }
        }
        return policy
    }

    /// Compiles a shipped policy; nil when it is of a kind that a compiled form cannot answer for.
    package func compile(_ name: String) throws -> CompiledPolicy? {
        var sources: [CompiledPolicy.Source] = []
        func read(_ name: String) throws(PolicyError) -> (bytes: [UInt8], fileName: String) {
            let place = try find(name, beside: nil)
            let bytes = try PolicyFile.read(place.path, mustBeOurs: place.mustBeOurs)
            sources.append(CompiledPolicy.Source(name: name, shown: place.shown, bytes: bytes))
            guard place.isShipped else {
                throw PolicyError(file: place.shown, message: "this policy is not a shipped one", mend: "only shipped ones are compiled")
            }
            return (bytes, place.shown)
        }
        let first = try read(name)
        let policy = try PolicyLoader.load(first.bytes, fileName: first.fileName, loadParent: read)
        return try CompiledPolicy.make(policy, sources: sources)
    }
}
