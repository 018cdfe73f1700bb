internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Calls of the host's own `python3` that an interpreter can serve which had started before they came (`sandbox/python`).
///
/// It starts as the call's own would: in the call's sandbox, as the same file, with the same options and the whole of the call's
/// environment. So what is decided here is whether a start-up could run anything of the caller's, or could be told from the call's own.
/// What does not fit launches as ever.
struct ParkedPython: Sendable {
    /// glovebox-python.so, on the host and inside.
    let library: String

    /// Room for a call's words and environment in what /proc shows of the process: it shows the memory that it was executed with.
    private static let room = String(repeating: " ", count: 8 << 10)
    /// Variables of the interpreter that change how it starts and bring nothing of the caller's to it.
    private static let variables: Set<String> = [
        "PYTHONASYNCIODEBUG", "PYTHONBREAKPOINT", "PYTHONCOERCECLOCALE", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER",
        "PYTHONHASHSEED", "PYTHONINTMAXSTRDIGITS", "PYTHONIOENCODING", "PYTHONMALLOC", "PYTHONNODEBUGRANGES", "PYTHONNOUSERSITE",
        "PYTHONOPTIMIZE", "PYTHONSAFEPATH", "PYTHONTRACEMALLOC", "PYTHONUNBUFFERED", "PYTHONUTF8",
        "PYTHONWARNDEFAULTENCODING", "PYTHONWARNINGS",
    ]

    /// Nil when it is not installed beside the launcher.
    init?(besideLauncher launcher: String) {
        guard let host = try? HostPath.resolve(launcher.parentPath + "/glovebox-python.so"), !host.identity.isDirectory else { return nil }
        library = host.real
    }

    /// Nil for a call that has to start its own.
    func program(for request: RunRequest) -> ParkableProgram? {
        guard let word = request.arguments.first, Self.isPython(word.lastPathComponent) else { return nil }
        // Others have no call by which a running program could be handed its call.
        guard request.confinement.syscalls.base == "default", request.confinement.syscalls.deny.isEmpty else { return nil }
        guard let line = PythonCommandLine(request.arguments) else { return nil }
        let environment = ToolEnvironment.build(
            request.confinement.environment, setByCaller: request.environment, callers: request.callersVariables,
            hasChannel: request.channel != nil)
        guard environment.keys.allSatisfy({ Self.isHarmless($0, environment[$0] ?? "", request.confinement) }),
            Self.hasNoUserSite(line, environment, request.confinement)
        else { return nil }
        guard let interpreter = Self.interpreter(word, environment["PATH"] ?? EnvironmentRules.defaultPath, request.confinement) else {
            return nil
        }
        var variables: [String: String] = [:]
        for name in environment.keys { variables[name] = environment[name] }
        variables["LD_PRELOAD"] = library + Self.room
        return ParkableProgram(
            arguments: [word] + line.options + ["-c", "pass" + Self.room], environment: variables, saysStarted: true, files: [library],
            version: interpreter)
    }

    /// python3, python3.12; nothing else says that it is one of the third generation.
    private static func isPython(_ name: String) -> Bool {
        guard name.utf8.starts(with: "python3".utf8) else { return false }
        let rest = name.utf8.dropFirst("python3".utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: ".") && rest.count > 1 && rest.dropFirst().allSatisfy { (48...57).contains($0) }
    }

    // MARK: - Environment

    /// What the loader or the C library would read code from, and what the interpreter would, is the caller's.
    private static func isHarmless(_ name: String, _ value: String, _ confinement: Confinement) -> Bool {
        let bytes = name.utf8
        // Compiled modules are code: those of a place that calls share could lie in wait for another one.
        if name == "PYTHONPYCACHEPREFIX" {
            return value.isPlainAbsolutePath && value.isAtOrBelow("/tmp")
                && !confinement.grants.contains { $0.path.isAtOrBelow(value) || value.isAtOrBelow($0.path) }
        }
        if bytes.starts(with: "PYTHON".utf8) { return variables.contains(name) }
        // The C library takes a locale with a slash for a place to read it from.
        if name == "LANG" || name == "LANGUAGE" || bytes.starts(with: "LC_".utf8) { return !value.utf8.contains(UInt8(ascii: "/")) }
        return !bytes.starts(with: "LD_".utf8) && !bytes.starts(with: "__PYVENV".utf8)
            && !["GCONV_PATH", "LOCPATH", "NLSPATH", "GLIBC_TUNABLES", "OPENSSL_CONF", "COVERAGE_PROCESS_START"].contains(name)
    }

    /// Packages in the home directory are imported from, and may run code, at each start-up. The sandbox's own /tmp holds none yet.
    private static func hasNoUserSite(_ line: PythonCommandLine, _ environment: VariableList, _ confinement: Confinement) -> Bool {
        let readsEnvironment = !line.options.contains { $0.utf8.first == UInt8(ascii: "-") && $0.utf8.contains(UInt8(ascii: "E")) }
        if line.hasNoUserSite || readsEnvironment && environment["PYTHONNOUSERSITE"]?.isEmpty == false { return true }
        return environment["HOME"] == "/tmp" && !confinement.grants.contains { $0.path.isAtOrBelow("/tmp/.local") }
    }

    // MARK: - The interpreter

    /// What file it is, as PATH leads there in the sandbox; nil when it is none, or when the caller could have changed anything of it.
    private static func interpreter(_ word: String, _ searchPath: String, _ confinement: Confinement) -> String? {
        if word.utf8.contains(UInt8(ascii: "/")) { return installed(word, confinement) }
        for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
            let path = directory + "/" + word
            guard path.isPlainAbsolutePath else { return nil } // the working directory's
            if confinement.grants.contains(where: { path.isAtOrBelow($0.path) }), access(path, X_OK) == 0 {
                return installed(path, confinement)
            }
        }
        return nil
    }

    private static func installed(_ path: String, _ confinement: Confinement) -> String? {
        guard path.isPlainAbsolutePath, let host = try? HostPath.resolve(path), isProgram(host.real) else { return nil }
        // Where its library stands: two above the file, and in a virtual environment two above the link.
        var prefixes = [host.real.parentPath.parentPath]
        let own = path.parentPath.parentPath
        if access(own + "/pyvenv.cfg", F_OK) == 0 || access(path.parentPath + "/pyvenv.cfg", F_OK) == 0 { prefixes.append(own) }
        let places = prefixes + host.links.map(\.place)
        // A workspace is somebody's to write in, if not this call's; and what .pth files add to the path is searched at start-up.
        let openPlaces = confinement.grants.filter { $0.isWorkspace || !$0.rights.isDisjoint(with: [.write, .delete]) }
        guard !PythonPathFiles.lead(from: prefixes, into: openPlaces.map(\.path)) else { return nil }
        for grant in openPlaces {
            guard !places.contains(where: { $0.isAtOrBelow(grant.path) || grant.path.isAtOrBelow($0) }) else { return nil }
        }
        let file = host.identity
        return "\(path) \(host.real) \(file.device) \(file.inode) \(file.changedNanoseconds)"
    }

    /// A script would start something else, whatever that is.
    private static func isProgram(_ path: String) -> Bool {
        guard let file = try? PathResolution.open(path: path, flags: O_RDONLY) else { return false }
        var bytes = [UInt8](repeating: 0, count: 4)
        return read(file.rawValue, &bytes, bytes.count) == 4 && bytes == [0x7F, 0x45, 0x4C, 0x46]
    }
}
