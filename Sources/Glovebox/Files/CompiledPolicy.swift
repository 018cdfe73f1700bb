package import SandboxLauncher
package import SandboxPolicy

/// What a policy's texts come to, kept so that a run need not work it out again: its hash, its confinement but for the workspace,
/// and its filters.
///
/// It holds the very bytes of every file that it was made from and counts only while those files still have these bytes: a policy
/// that was edited is another policy, and nothing has to notice the edit. What the bytes mean is this program's business, so it
/// also names the build that made it; any other build works the policy out anew.
package struct CompiledPolicy: Sendable, Equatable {
    package struct Source: Sendable, Equatable {
        /// Under which it is looked for.
        package var name: String
        /// How messages name the file.
        package var shown: String
        package var bytes: [UInt8]
    }

    /// The policy itself, then its ancestors.
    package var sources: [Source]
    package var name: String
    package var hash: String
    package var usesWorkspace: Bool
    package var template: ConfinementTemplate
    package var filters: [CompiledFilter]

    init(
        sources: [Source], name: String, hash: String, usesWorkspace: Bool, template: ConfinementTemplate, filters: [CompiledFilter]
    ) {
        self.sources = sources
        self.name = name
        self.hash = hash
        self.usesWorkspace = usesWorkspace
        self.template = template
        self.filters = filters
    }

    /// Nil for a policy that only a derivation can answer for.
    static func make(_ policy: ResolvedPolicy, sources: [Source]) throws -> CompiledPolicy? {
        guard let template = try ConfinementTemplate(policy) else { return nil }
        // The filters depend on nothing of a workspace.
        let any = template.common
        let isBrokered = !any.network.connect.isEmpty || !any.network.listen.isEmpty
        var filters: [CompiledFilter] = []
        for bits in 0..<(UInt8(1) << 3) {
            let demands = FilterDemands(
                mediateCreation: bits & 1 != 0, mediateMemfd: bits & 2 != 0, mediateNetwork: isBrokered,
                mediateLocalSockets: bits & 4 != 0, canNotify: true)
            let specification = try SyscallCatalogue.specification(
                for: any.syscalls, maySpawn: any.maySpawn, network: any.network, demands: demands)
            filters.append(CompiledFilter(demands: demands, program: try FilterCompiler.compile(specification)))
        }
        return CompiledPolicy(
            sources: sources, name: policy.name, hash: policy.hash, usesWorkspace: policy.usesWorkspace, template: template,
            filters: filters)
    }

    // MARK: - Bytes

    private static let magic = Array("GLVBXPOL".utf8)
    private static let checksumSize = 8

    /// FNV-1a over words of eight bytes. It finds what a disk or a half-made copy did; against a person who may write the file no
    /// checksum in it would help, which is why its owner and mode are looked at.
    private static func checksum(_ content: ArraySlice<UInt8>) -> [UInt8] {
        let prime: UInt64 = 0x100_0000_01B3
        let hash = content.withUnsafeBytes { bytes in
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            let whole = bytes.count & ~7
            for at in stride(from: 0, to: whole, by: 8) {
                hash = (hash ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* prime
                hash ^= hash >> 32
            }
            for at in whole..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* prime }
            return (hash ^ UInt64(bytes.count)) &* prime
        }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
    }

    func encoded(build: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(build)
        writer.append(count: sources.count)
        for source in sources {
            writer.append(source.name)
            writer.append(source.shown)
            writer.append(source.bytes)
        }
        writer.append(name)
        writer.append(hash)
        writer.append(usesWorkspace)
        writer.append(template.encoded)
        writer.append(count: filters.count)
        for filter in filters {
            for flag in [
                filter.demands.mediateCreation, filter.demands.mediateMemfd, filter.demands.mediateNetwork,
                filter.demands.mediateLocalSockets, filter.demands.canNotify,
            ] { writer.append(flag) }
            writer.append(filter.program.encoded)
        }
        return Self.magic + Self.checksum(writer.bytes[...]) + writer.bytes
    }

    /// Nil for anything that this build did not write, or that was changed since by so much as a bit.
    init?(encoded bytes: [UInt8], build: [UInt8]) {
        let start = Self.magic.count + Self.checksumSize
        guard bytes.count > start, bytes.starts(with: Self.magic) else { return nil }
        let content = bytes[start...]
        guard Self.checksum(content) == Array(bytes[Self.magic.count..<start]) else { return nil }
        do throws(MalformedBytes) {
            var reader = ByteReader(content)
            guard try reader.block().elementsEqual(build) else { return nil }
            sources = []
            for _ in 0..<(try reader.count()) {
                sources.append(Source(name: try reader.text(), shown: try reader.text(), bytes: Array(try reader.block())))
            }
            name = try reader.text()
            hash = try reader.text()
            usesWorkspace = try reader.flag()
            template = try ConfinementTemplate(encoded: Array(try reader.block()))
            filters = []
            for _ in 0..<(try reader.count()) {
                let demands = FilterDemands(
                    mediateCreation: try reader.flag(), mediateMemfd: try reader.flag(), mediateNetwork: try reader.flag(),
                    mediateLocalSockets: try reader.flag(), canNotify: try reader.flag())
                filters.append(CompiledFilter(demands: demands, program: try FilterProgram(encoded: Array(try reader.block()))))
            }
            guard reader.isAtEnd, !sources.isEmpty else { return nil }
        } catch {
            return nil
        }
    }
}
