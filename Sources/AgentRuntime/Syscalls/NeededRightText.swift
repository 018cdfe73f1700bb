internal import CapabilityLanguage
internal import LibOSModel

/// A resource and its rights as a process writes them.
enum NeededRightText {
    static func read(resource text: String, rights words: [String]) throws(LibOSError) -> NeededRight {
        var rights: Set<CapabilityRight> = []
        for word in words {
            guard let right = CapabilityRight(rawValue: word) else {
                throw LibOSError(
                    .validation, "`\(word)` is no right",
                    mend: NearestWord.mend(for: word, among: CapabilityRight.allCases.map(\.rawValue)))
            }
            rights.insert(right)
        }
        let resource = try Resource.reading(text)
        if let strange = CapabilityRight.inOrder(rights).first(where: { !resource.acceptedRights.contains($0) }) {
            throw LibOSError(
                .validation, "\(resource) has no right `\(strange.rawValue)`",
                mend: "it accepts " + resource.acceptedRights.map(\.rawValue).joined(separator: ", "))
        }
        guard !rights.isEmpty else { throw LibOSError(.validation, "no right is named for \(resource)", mend: "name at least one") }
        return NeededRight(resource: resource, rights: rights)
    }
}
