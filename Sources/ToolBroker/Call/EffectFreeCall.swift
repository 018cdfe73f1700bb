internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel

extension PreparedCall {
    /// Whether nothing outside of the store can be another for this call, whatever comes of it: then its intent need not outlast a loss
    /// of power. A machine that lost it lost every trace of the call in the same moment, since the records that follow lie behind it. It
    /// outlasts the death of this program as every intent does.
    ///
    /// Everything that is not listed here counts as an effect: commands, programs that are not ours, descriptors that can be written, names
    /// in a file system, networks, calls into the runtime while the tool runs, and a use that is taken from a counted capability.
    var isEffectFree: Bool {
        // Our own worker, which is handed open files and sees no names.
        guard case .channel(_, let descriptors) = plan, tool.runsWorker, !descriptors.isEmpty else { return false }
        // Regular files, opened for reading.
        guard descriptors.allSatisfy({ $0.mode == .read }) else { return false }
        // It asks the runtime for nothing, and brings nothing of its own.
        guard tool.syscalls.isEmpty, tool.files.isEmpty else { return false }
        // Each right that it was given is that of reading files; none is used up.
        guard let decision, decision.isAllowed, decision.oneShots.isEmpty, reservation == nil, !decision.rights.isEmpty else {
            return false
        }
        return decision.rights.allSatisfy { $0.resource.kind == .filesystem && $0.right == .read }
    }
}

extension Preparation {
    /// Whether a loss of power may take it back: of a call that can have no effect, and of nothing else.
    var isEffectFree: Bool { if case .ready(let call) = self { call.isEffectFree } else { false } }
}
