internal import Glibc
internal import LinuxPrimitives
internal import TestSupport
internal import Testing

@Suite struct PathTests {
    @Test func `links are refused where the rules say so, and followed where they do not`() throws {
        let scratch = try ScratchDirectory()
        let real = try scratch.directory("real")
        let link = try scratch.link("link", to: real)
        let opened = try PathResolution.openDirectory(path: real)
        #expect(try FileIdentity.of(opened.rawValue).isDirectory)
        let error = #expect(throws: SystemError.self) { _ = try PathResolution.openDirectory(path: link) }
        #expect(error?.errno == ELOOP)
        #expect(error?.description.contains("symbolic link") == true)
        let followed = try PathResolution.openPath(path: link, resolve: [])
        #expect(try FileIdentity.of(followed.rawValue) == (try FileIdentity.of(path: real)))
        #expect(try FileIdentity.of(path: link, followingLink: false).isSymbolicLink)
    }

    @Test func `beneath stays below, in root turns the root`() throws {
        let scratch = try ScratchDirectory()
        try scratch.file("outside", "no")
        let inside = try scratch.directory("inside")
        try scratch.file("inside/file", "yes")
        let root = try PathResolution.openDirectory(path: inside)
        for escape in ["../outside", "/etc/passwd"] {
            let error = #expect(throws: SystemError.self) {
                _ = try PathResolution.openPath(at: root.rawValue, path: escape, resolve: .beneath)
            }
            #expect(error?.errno == EXDEV, "\(escape)")
        }
        let file = try PathResolution.open(at: root.rawValue, path: "/../file", flags: O_RDONLY, resolve: .inRoot)
        #expect(try Transfer.readAll(file.rawValue, limit: 10) == Array("yes".utf8))
    }

    @Test func `identity, canonical path and file system`() throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.file("file", "12345", mode: 0o640)
        let link = try scratch.link("link", to: "file")
        let canonical = try PathResolution.canonicalPath(link)
        #expect(canonical.hasSuffix("/file"))
        let identity = try FileIdentity.of(path: file)
        #expect(identity.isRegularFile && !identity.isDirectory)
        #expect(identity.size == 5)
        #expect(identity.uid == geteuid())
        var status = stat()
        #expect(stat(file, &status) == 0)
        #expect(identity.device == UInt64(status.st_dev) && identity.inode == UInt64(status.st_ino))
        let missing = #expect(throws: SystemError.self) { try PathResolution.canonicalPath(scratch.path + "/none") }
        #expect(missing?.errno == ENOENT)
        for text in ["a\0b"] {
            let error = #expect(throws: SystemError.self) { _ = try PathResolution.openPath(path: text) }
            #expect(error?.errno == EINVAL)
        }
        let proc = try PathResolution.openDirectory(path: "/proc")
        #expect(try PathResolution.fileSystemMagic(proc.rawValue) == 0x9fa0)
    }
}
