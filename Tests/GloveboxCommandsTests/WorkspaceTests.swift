import Glibc
import LinuxPrimitives
import SandboxPolicy
import TestSupport
import Testing

@testable import Glovebox

@Suite struct WorkspaceTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func message(_ path: String, home: String? = "/home/somebody") -> String {
        do throws(PolicyError) {
            return "accepted \(try Workspace(checking: path, writable: true, home: home).path)"
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        "/", "//", "/home", "/root", "/usr", "/etc", "/var", "/boot", "/dev", "/proc", "/sys", "/opt", "/srv", "/tmp", "/run", "/usr/lib",
        "/usr/local", "/var/lib", "/tmp/", "/tmp/.", "/proc/self/fd", "/dev/shm", "/sys/kernel",
    ]) func directoriesOfTheSystem(path: String) {
        #expect(message(path).hasSuffix("; make a directory for the tool and name it with --workspace DIR"), "\(message(path))")
    }

    @Test func homesAndWhatHoldsThem() throws {
        let home = try scratch.directory("homes/me")
        try scratch.directory("homes/me/project")
        #expect(message(home, home: home).contains("a home directory holds keys"))
        #expect(message(home + "/.", home: home + "/").contains("a home directory holds keys"))
        #expect(message(scratch.path + "/homes", home: home).contains("it holds the home directory \(home)"))
        #expect(message(home + "/project", home: home) == "accepted \(home)/project")
        #expect(Workspace.reasonAgainst("/home/other", home: nil) != nil)
        #expect(Workspace.reasonAgainst("/home/other/project", home: nil) == nil)
    }

    @Test func linksAreNamedNotFollowed() throws {
        let real = try scratch.directory("real")
        let link = scratch.path + "/link"
        #expect(symlink(real, link) == 0)
        for name in [link, link + "/", link + "/.", link + "//./"] {
            #expect(message(name) == "workspace \(name): is a symbolic link; name the real path: \(real)")
        }
        try scratch.directory("real/inner")
        // On the way to it only root's links are followed: a tool can plant links as whoever called it.
        let planted =
            "workspace \(link)/inner: passes through the link \(link), which anybody may have made; name the real path: \(real)/inner"
        if geteuid() == 0 {
            #expect(message(link + "/inner") == "accepted \(real)/inner")
            #expect(lchown(link, 65534, 65534) == 0)
        }
        #expect(message(link + "/inner") == planted)
    }

    @Test func whatIsNoDirectory() throws {
        let file = try scratch.file("file", "")
        #expect(message(file) == "workspace \(file): is not a directory; name the directory that the tool works in")
        #expect(message(scratch.path + "/absent").hasSuffix(": does not exist; create it, or name another with --workspace DIR"))
        #expect(message("") == "workspace : the name is empty; name a directory")
        #expect(message("/tmp\0b") == "workspace /tmp\\u{0}b: the name holds a NUL byte; remove it")
    }
}
