import Testing

@testable import SandboxLauncher

@Suite("The limit on created names")
struct CreatedNamesTests {
    @Test func `a name that is gone frees its place, a name that is there does not`() {
        var names = CreatedNames(limit: 2)
        #expect(names.room { _ in true } == .free)
        names.add("/w/a", isText: true)
        names.add("/w/b", isText: true)
        #expect(names.room { _ in true } == .none)
        #expect(names.wasFull)
        var freed = CreatedNames(limit: 2)
        freed.add("/w/a", isText: true)
        freed.add("/w/b", isText: true)
        #expect(freed.room { $0 != "/w/a" } == .free)
        #expect(!freed.wasFull)
    }

    @Test func `moving a directory takes its names along`() {
        var names = CreatedNames(limit: 3)
        names.add("/w/d", isText: true)
        names.add("/w/d/x", isText: true)
        names.add("/w/d/y", isText: true)
        names.move("/w/d", to: "/w/e", exchanging: false)
        #expect(names.room { $0.hasPrefix("/w/e") } == .none)
    }

    @Test func `exchanging two directories keeps both counts`() {
        var names = CreatedNames(limit: 4)
        for path in ["/w/a", "/w/a/1", "/w/b", "/w/b/2"] { names.add(path, isText: true) }
        names.move("/w/a", to: "/w/b", exchanging: true)
        var asked: Set<String> = []
        #expect(names.room { asked.insert($0).inserted } == .none)
        #expect(asked == ["/w/a", "/w/a/2", "/w/b", "/w/b/1"])
    }

    @Test func `a name that is no text stays counted`() {
        var names = CreatedNames(limit: 1)
        names.add("/w/\u{FFFD}", isText: false)
        #expect(names.room { _ in false } == .none)
    }
}
