/// Byte order: the same on every machine and in every language setting.
package func utf8Precedes(_ a: String, _ b: String) -> Bool {
    // By their bytes where they lie: going through the views' iterators takes several times as long.
    a.utf8.withContiguousStorageIfAvailable { a in
        b.utf8.withContiguousStorageIfAvailable { b in a.lexicographicallyPrecedes(b) }
    }.flatMap { $0 } ?? a.utf8.lexicographicallyPrecedes(b.utf8)
}

func haveSameBytes(_ a: String, _ b: String) -> Bool {
    var (a, b) = (a, b)
    return a.utf8.count == b.utf8.count && a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
}
