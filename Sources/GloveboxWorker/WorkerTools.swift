internal import StrictJSON

/// The tools of this program by name. Each gives back `{data, content}`.
enum WorkerTools {
    typealias Body = @Sendable (WorkerCall) throws(WorkerFailure) -> JSONValue

    static let all: [String: Body] = [
        "echo": echo, "parse_pytest_log": PytestLog.parse, "read_text_file": TextFile.read, "write_text_file": TextFile.write,
    ]

    private static func echo(_ call: WorkerCall) throws(WorkerFailure) -> JSONValue {
        let text = try call.text("text")
        return .object(["data": .object(["text": .string(text)]), "content": .string(text)])
    }
}
