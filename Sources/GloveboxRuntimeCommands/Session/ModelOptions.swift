internal import ArgumentParser
internal import CommandOutput
internal import Glibc
internal import LLMExecutor
internal import LibOSModel
internal import LinuxPrimitives
internal import ModelTransport
internal import SandboxPolicy
internal import StrictJSON

/// Which model chooses the actions of a run. Options come before the environment. The key is never an option: other users of the
/// machine can read command lines.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model that chooses the actions (GLOVEBOX_MODEL).", valueName: "name")) var model: String?
    @Option(
        help: ArgumentHelp(
            "Its server, which speaks Chat Completions: https://host/v1, or http:// on this machine (GLOVEBOX_MODEL_URL).",
            valueName: "url"))
    var modelUrl: String?
    @Option(
        help: ArgumentHelp("The file with the key (GLOVEBOX_MODEL_KEY_FILE; or the key itself in GLOVEBOX_MODEL_KEY).", valueName: "file"),
        completion: .file())
    var modelKeyFile: String?
    @Option(help: ArgumentHelp("How long one answer may take in all, 300s when absent (GLOVEBOX_MODEL_TIMEOUT).", valueName: "duration"))
    var modelTimeout: String?
    @Option(
        help: ArgumentHelp(
            "How long the server may send nothing, 60s when absent (GLOVEBOX_MODEL_STALL_TIMEOUT).", valueName: "duration"))
    var modelStallTimeout: String?
    @Flag(help: "Let key and prompts cross a network in the clear: http to another machine (GLOVEBOX_MODEL_ALLOW_HTTP=yes).")
    var modelAllowHttp = false

    /// Whether the command line itself names anything of a model.
    var isGiven: Bool {
        [model, modelUrl, modelKeyFile, modelTimeout, modelStallTimeout].contains { $0 != nil } || modelAllowHttp
    }

    /// - Parameter variable: looks an environment variable up.
    func settings(workspace: String, variable: @escaping (String) -> String? = Self.variable) throws -> ChatSettings {
        var given: [String: String] = [:]
        given["GLOVEBOX_MODEL"] = model
        given["GLOVEBOX_MODEL_URL"] = modelUrl
        given["GLOVEBOX_MODEL_KEY_FILE"] = modelKeyFile
        given["GLOVEBOX_MODEL_TIMEOUT"] = try Self.seconds(modelTimeout, "--model-timeout")
        given["GLOVEBOX_MODEL_STALL_TIMEOUT"] = try Self.seconds(modelStallTimeout, "--model-stall-timeout")
        if modelAllowHttp { given["GLOVEBOX_MODEL_ALLOW_HTTP"] = "yes" }
        let options = given
        let environment = ChatEnvironment(variable: { options[$0] ?? variable($0) }) { path throws(ModelError) in
            try Self.key(path, workspace)
        }
        do throws(ModelError) {
            return try environment.settings()
        } catch {
            throw CommandFailure.failed(error.message)
        }
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func seconds(_ text: String?, _ option: String) throws(CommandFailure) -> String? {
        guard let text else { return nil }
        do throws(Quantity.Problem) {
            return String(Double(try Quantity.milliseconds(text)) / 1000)
        } catch {
            throw .usage("\(option) \(printable(text)): \(error.message); \(error.mend)")
        }
    }

    private static let longestKeyFile = 16 << 10

    /// A key that lies in the workspace would be the agents' to read.
    private static func key(_ path: String, _ workspace: String) throws(ModelError) -> String {
        let bytes: [UInt8]
        let real: String
        do throws(SystemError) {
            real = try PathResolution.canonicalPath(path)
            bytes = try SmallFile.read(real, limit: longestKeyFile)
        } catch {
            throw ModelError(
                .configuration, "the key file \(path) cannot be read (\(error.symbol)); check --model-key-file or GLOVEBOX_MODEL_KEY_FILE")
        }
        // Byte by byte: to a comparison of characters, a slash before a combining mark is no slash.
        if real.utf8.starts(with: (workspace == "/" ? "/" : workspace + "/").utf8) {
            throw ModelError(
                .configuration, "the key file \(path) lies in the workspace \(workspace), where tools could read it; move it outside")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
