import Testing

@testable import SandboxLauncher

struct OpeningWatchTests {
    @Test(
        "names are made absolute as their letters say",
        arguments: [
            ("/a/b", "/a/b"), ("a", "/work/a"), ("../etc/./shadow", "/etc/shadow"), ("//root//.ssh/", "/root/.ssh"), ("/../..", "/"),
            ("", "/work"),
        ])
    func absolute(_ path: String, _ expected: String) {
        #expect(OpeningWatch.absolute(Array(path.utf8)) { Array("/work".utf8) } == expected)
    }

    @Test("only plain openings are looked at") func places() {
        #expect(OpeningWatch.place(2, [7, 0, 0, 0, 0, 0])?.path == 7)
        #expect(OpeningWatch.place(257, [3, 8, 0o2000000, 0, 0, 0])?.path == 8)
        #expect(OpeningWatch.place(257, [3, 8, 0x40, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(257, [3, 8, 0x20_0000, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(2, [7, 0x41_0000, 0, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(0, [7, 0, 0, 0, 0, 0]) == nil)
    }
}
