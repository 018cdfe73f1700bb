/// Paths, compared by their bytes: as strings, canonically equivalent ones would be one path.
///
/// A few hundred at most, each looked for a few times: a figure per path tells nearly all of them apart, and hashed collections
/// cost more to set up than this does to search.
struct PathSet: Sendable {
    private var figures: [Int] = []
    private var paths: [String] = []

    func contains(_ path: String) -> Bool { index(of: path) != nil }

    /// The place of a path, which it keeps.
    func index(of path: String) -> Int? {
        let figure = Self.figure(of: path)
        for index in figures.indices where figures[index] == figure && paths[index].isSamePath(as: path) { return index }
        return nil
    }

    /// A path that is there already stays where it is.
    mutating func insert(_ path: String) {
        guard !contains(path) else { return }
        figures.append(Self.figure(of: path))
        paths.append(path)
    }

    private static func figure(of path: String) -> Int {
        var figure = path.utf8.count
        for byte in path.utf8 { figure = figure &* 31 &+ Int(byte) }
        return figure
    }
}
