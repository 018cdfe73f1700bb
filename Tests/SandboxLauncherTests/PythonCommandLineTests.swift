import Testing

@testable import SandboxLauncher

@Suite struct PythonCommandLineTests {
    @Test(arguments: [
        (["python3"], []), (["python3", "-"], []), (["python3", "x.py", "-v"], []), (["python3", "-c", "pass", "-v"], []),
        (["python3", "-cpass"], []), (["python3", "-m", "x", "-i"], []), (["python3", "-mx"], []), (["python3", "-u", "x.py"], ["-u"]),
        (["python3", "-IBu", "-c", "1"], ["-IBu"]), (["python3", "-W", "error", "-c", "1"], ["-W", "error"]),
        (["python3", "-Werror", "-X", "dev", "x.py"], ["-Werror", "-X", "dev"]), (["python3", "-Xutf8=0", "-"], ["-Xutf8=0"]),
        (["python3", "--check-hash-based-pycs", "never", "x.py"], ["--check-hash-based-pycs", "never"]),
        (["python3", "", "-v"], []),
    ])
    func `options end where what is run begins`(words: [String], options: [String]) throws {
        #expect(try #require(PythonCommandLine(words)).options == options)
    }

    @Test(arguments: [
        ["python3", "-c"], ["python3", "-m"], ["python3", "-W"], ["python3", "-X"], ["python3", "-i"], ["python3", "-v", "x.py"],
        ["python3", "-V"], ["python3", "--version"], ["python3", "--help"], ["python3", "-h"], ["python3", "--"],
        ["python3", "--", "x.py"],
        ["python3", "-Bc", "pass"], ["python3", "-uW", "error", "x.py"], ["python3", "-X", "importtime", "x.py"],
        ["python3", "-Ximporttime", "x.py"], ["python3", "-X", "presite=x", "x.py"], ["python3", "-é"], ["python3", "-Z"],
        ["python3", "--check-hash-based-pycs"],
    ])
    func `what is not understood is not served`(words: [String]) {
        #expect(PythonCommandLine(words) == nil)
    }

    @Test func `packages of the user's own are left out by two options`() throws {
        #expect(try #require(PythonCommandLine(["python3", "-s", "x"])).hasNoUserSite)
        #expect(try #require(PythonCommandLine(["python3", "-BI", "x"])).hasNoUserSite)
        #expect(try !#require(PythonCommandLine(["python3", "-B", "x"])).hasNoUserSite)
        #expect(try !#require(PythonCommandLine(["python3", "-W", "-I", "x"])).hasNoUserSite)
    }
}
