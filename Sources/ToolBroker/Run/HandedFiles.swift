internal import LibOSModel
internal import LinuxPrimitives
internal import StrictJSON

/// The files of one call that its worker gets as descriptors.
struct HandedFiles: Sendable {
    private final class Reading: Sendable {
        let descriptor: OwnedDescriptor
        /// Bytes when it was handed over.
        let size: UInt64

        init(_ descriptor: consuming OwnedDescriptor) {
            size = (try? FileIdentity.of(descriptor.rawValue).size) ?? 0
            self.descriptor = descriptor
        }
    }

    private enum Open: Sendable {
        case reading(Reading)
        case replacing(FileReplacement)

        var number: Int32 {
            switch self {
            case .reading(let file): file.descriptor.rawValue
            case .replacing(let file): file.content.rawValue
            }
        }
    }

    private var open: [(plan: PreparedCall.DescriptorPlan, file: Open)] = []

    /// Names and numbers, in the order of the manifest.
    var descriptors: [(name: String, number: Int32)] { open.map { ($0.plan.name, $0.file.number) } }

    /// Whether putting them in place changes the workspace.
    var hasEffect: Bool { open.contains { $0.plan.mode != .read } }

    /// Blocks: for the call's own thread.
    static func open(_ plans: [PreparedCall.DescriptorPlan], _ files: WorkspaceFiles) throws(CallRefusal) -> HandedFiles {
        do throws(LibOSError) {
            var handed = HandedFiles()
            for plan in plans {
                switch plan.mode {
                case .read: handed.open.append((plan, .reading(Reading(try files.openFile(plan.place)))))
                case .create, .replace:
                    handed.open.append((plan, .replacing(try files.replacement(of: plan.place, mayOverwrite: plan.mode == .replace))))
                }
            }
            return handed
        } catch {
            throw CallRefusal(ToolFailure(error), ToolBroker.decision(error))
        }
    }

    /// What was touched, and why the rest was not.
    struct Commitment: Sendable {
        var effects: [(call: FileCall, facts: [JSONMember])] = []
        var failure: LibOSError?
    }

    /// Puts new content in its place, after the tool ended well. Stops at the first file that cannot be put in place; what was done
    /// before that is told all the same.
    func commit() async throws(LibOSError) -> Commitment {
        let open = open
        // What was only read asks nothing of the disk any more, and so no thread.
        if !hasEffect {
            var done = Commitment()
            for (plan, file) in open { done.effects.append(try Self.commit(plan, file)) }
            return done
        }
        return try await WorkspaceFiles.work { () throws(LibOSError) in
            var done = Commitment()
            for (plan, file) in open {
                do throws(LibOSError) {
                    done.effects.append(try Self.commit(plan, file))
                } catch {
                    done.failure = error
                    break
                }
            }
            return done
        }
    }

    private static func commit(
        _ plan: PreparedCall.DescriptorPlan, _ file: Open
    ) throws(LibOSError) -> (call: FileCall, facts: [JSONMember]) {
        switch file {
        case .reading(let file):
            return (
                FileCall(operation: .readText(offset: 0, most: 0), place: plan.place), [JSONMember("size_bytes", .unsigned(file.size))]
            )
        case .replacing(let file):
            try file.commit()
            let size = (try? FileIdentity.of(file.content.rawValue).size) ?? 0
            return (
                FileCall(operation: .writeText(bytes: [], mayOverwrite: plan.mode == .replace), place: plan.place),
                [JSONMember("written_bytes", .unsigned(size)), JSONMember("created", .bool(file.previous == nil))]
            )
        }
    }
}
