internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// Canonical texts of views. A view grows with every result, mostly at its end: the handles that it had when it was last written are not
/// made into text again.
final class ViewTexts: Sendable {
    private struct Known {
        var roots: [ObjectHandle]
        var texts: [String]
    }

    /// Processes whose views are kept.
    private static let most = 64
    private let known = Mutex<[ProcessID: Known]>([:])

    /// What `StoredJSON.text` says of the view's JSON.
    func text(of view: MemoryView, of process: ProcessID) throws(LibOSError) -> String {
        let old = known.withLock { $0[process] }
        var texts: [String] = []
        texts.reserveCapacity(view.roots.count)
        for (index, root) in view.roots.enumerated() {
            if let old, index < old.roots.count, old.roots[index] == root {
                texts.append(old.texts[index])
            } else {
                texts.append(try StoredJSON.text(of: root.json, depth: 2))
            }
        }
        var frame = view
        frame.roots = []
        // `roots` is the last of the keys.
        let text = try StoredJSON.text(of: frame.json)
        guard text.hasSuffix("\"roots\":[]}") else { return try StoredJSON.text(of: view.json) }
        known.withLock { known in
            if known.count >= Self.most, known[process] == nil { known = [:] }
            known[process] = Known(roots: view.roots, texts: texts)
        }
        return text.dropLast(2) + texts.joined(separator: ",") + "]}"
    }
}
