extension StoreOptions {
    /// What stands behind `glovebox human approve ID`, so that it finds the store from everywhere.
    func approvalWords(_ place: StorePlace) -> String {
        let words = store.map { ["--store", $0] } ?? ["--workspace", place.workspace]
        return words.map { " " + Self.quoted($0) }.joined()
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "/._-+@%:,".utf8.contains(byte)
        }
        return isPlain && !word.isEmpty
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
