internal import Glibc

/// Whether bytes hold a word somewhere: what is asked before a text is read is only ever a guess.
package enum WordSearch {
    package static func holds(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard var place = bytes.baseAddress, word.utf8CodeUnitCount > 0 else { return false }
        let size = word.utf8CodeUnitCount
        var left = bytes.count
        while left >= size, let found = memchr(place, Int32(word.utf8Start[0]), left - size + 1) {
            if memcmp(found, word.utf8Start, size) == 0 { return true }
            left -= UnsafeRawPointer(found) - place + 1
            place = UnsafeRawPointer(found) + 1
        }
        return false
    }
}
