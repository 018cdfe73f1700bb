internal import CSandboxCore
internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

/// The worker as a program that waits for its one call (`parked_program.h`), and that seals itself before it reads a byte of it
/// (`worker_seal.h`).
enum ParkedWorker {
    /// By a variable: the Swift runtime finds arguments in /proc, which this program's sandbox does not show. A worker of a call's own has
    /// the channel's variable instead, whatever else a policy may set.
    static var isAsked: Bool {
        getenv("GLOVEBOX_CHANNEL") == nil && getenv("GLOVEBOX_PARKED").map { String(cString: $0) } == String(WorkerCall.channel)
    }

    /// For what is no call, or a seal that does not hold: nothing of the call was read.
    private static let refused: Int32 = 65

    static func serve() -> Int32 {
        warmUp()
        guard gb_seal_waiting() == 0, gb_parked_announce() == 0 else { return refused }
        var call = gb_parked_call()
        switch gb_parked_receive(&call) {
        case 0: break
        case GB_PARKED_UNWANTED: return 0
        default: return refused
        }
        // This worker does nothing without its channel. Its words and variables say nothing else to it.
        guard call.stdio_descriptors.channel >= 0 else { return refused }
        let socket = gb_parked_settle(&call)
        guard socket >= 0, chdir(gb_spec_string(&call.spec, call.spec.header.working_directory)) == 0, clearenv() == 0,
            gb_parked_start(socket) == 0
        else { return refused }
        return WorkerCall.serve { gb_seal_call() == 0 }
    }

    /// What a first call would have to set up in its own time, and partly could not behind the seal: nothing here is the call's.
    private static func warmUp() {
        let frame =
            #"{"id":"0","jsonrpc":"2.0","method":"tool.call","params":{"arguments":{"a":[1,"b"],"text":"c"},"call":"d","descriptors":["file"],"tool":"echo"}}"#
        for (tool, files) in [("echo", [:]), ("read_text_file", ["file": Int32(0)])] {
            guard let sample = try? WorkerCall(frame: Array(frame.utf8), passed: [0], as: tool, files: files) else { continue }
            _ = Array(sample.answer().canonicalText.utf8)
        }
    }
}
