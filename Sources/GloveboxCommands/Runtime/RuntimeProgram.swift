internal import CommandOutput
internal import Glibc
internal import SandboxLauncher

/// `glovebox-runtime`, the program behind the commands that need the store. This one stays small, because it is started for every
/// sealed run; that one takes its place when it is asked for.
enum RuntimeProgram {
    static let name = "glovebox-runtime"

    /// Where it is installed relative to the running program, as the launcher is: beside it, or in `../libexec/glovebox`.
    static func candidates(programDirectory directory: String) -> [String] {
        let parent = directory.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(directory[..<$0]) } ?? ""
        return [directory + "/" + name, parent + "/libexec/glovebox/" + name]
    }

    /// Becomes the runtime's program with these words. Returns only when that failed, with the exit code.
    static func become(_ words: [String]) -> Int32 {
        guard let program = try? HostPath.readLink("/proc/self/exe"), let slash = program.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            Console.complain("/proc/self/exe cannot be read; mount /proc")
            return ExitStatus.failure
        }
        let places = candidates(programDirectory: String(program[..<slash]))
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
            Console.complain(
                "`\(words.first ?? "")` needs \(name), which is neither at \(places[0]) nor at \(places[1]); build it with `make build`, "
                    + "or install Glovebox with `make install`")
            return ExitStatus.failure
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = ([name] + words).map { strdup($0) }
        arguments.append(nil)
        execv(path, &arguments)
        let code = errno
        Console.complain("\(path) cannot be started: \(String(cString: strerror(code))); check that it is a program of this machine")
        return ExitStatus.failure
    }
}
