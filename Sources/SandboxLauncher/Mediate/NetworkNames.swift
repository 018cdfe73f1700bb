internal import SandboxPolicy

extension NetworkTargets {
    /// Letters, digits, hyphens and dots, as in /etc/hosts; and nothing that a resolver would read as a number (`127.1`,
    /// `0x7f000001`): a name's last label is never one.
    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 253 else { return false }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isWord = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
        }
        let hyphen = UInt8(ascii: "-")
        guard
            labels.allSatisfy({ label in
                !label.isEmpty && label.count <= 63 && label.first != hyphen && label.last != hyphen && label.allSatisfy(isWord)
            }), let last = labels.last
        else { return false }
        let startsLikeNumber = last.first.map { (0x30...0x39).contains($0) } ?? true
        return !startsLikeNumber
    }
}

extension NetworkConfinement {
    /// There is something that only the supervisor can reach.
    var isBrokered: Bool { !connect.isEmpty || !listen.isEmpty }
}
