internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import SandboxPolicy
internal import StrictJSON

/// Capabilities as they are written on a command line.
enum CapabilityWords {
    /// `RESOURCE=RIGHT[,RIGHT…]`, or a resource alone when it has one right.
    static func need(_ text: String, option: String) throws(CommandFailure) -> NeededRight {
        do throws(ResourceProblem) {
            guard let equals = text.utf8.lastIndex(of: UInt8(ascii: "=")) else {
                let resource = try Resource.parse(text)
                guard resource.acceptedRights.count == 1 else {
                    throw ResourceProblem(
                        "no right is named", mend: "write \(text)=RIGHT with \(names(resource.acceptedRights))")
                }
                return NeededRight(resource: resource, rights: Set(resource.acceptedRights))
            }
            let resource = try Resource.parse(String(text[..<equals]))
            var rights: Set<CapabilityRight> = []
            for word in text[text.utf8.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false) {
                guard let right = CapabilityRight(rawValue: String(word)), resource.acceptedRights.contains(right) else {
                    throw ResourceProblem("it has no right `\(word)`", mend: "it has: \(names(resource.acceptedRights))")
                }
                rights.insert(right)
            }
            return NeededRight(resource: resource, rights: rights)
        } catch {
            throw .usage("\(option) \(printable(text)): \(error.message); \(error.mend)")
        }
    }

    static func terms(_ texts: [String], _ effect: Effect) throws(CommandFailure) -> [CapabilityTerms] {
        var result: [CapabilityTerms] = []
        for text in texts {
            let need = try need(text, option: "--\(effect.rawValue)")
            result.append(CapabilityTerms(resource: need.resource, rights: need.rights, effect: effect))
        }
        return result
    }

    static func names(_ rights: some Sequence<CapabilityRight>) -> String {
        CapabilityRight.inOrder(rights).map(\.rawValue).joined(separator: ",")
    }

    /// An instant so long from now: `10m`, `1h`.
    static func instant(in duration: String, from now: Timestamp, option: String) throws(CommandFailure) -> Timestamp {
        do throws(Quantity.Problem) {
            return now.adding(seconds: Double(try Quantity.milliseconds(duration)) / 1000)
        } catch {
            throw .usage("\(option) \(printable(duration)): \(error.message); \(error.mend)")
        }
    }
}
