// quantum-crash-probe: a program for tests that plays an agent's quanta and ends itself with SIGKILL at a point of its store's work.
//   quantum-crash-probe prepare PATH SCENARIO     fills a directory: a workspace, and a store with the process of the scenario
//   quantum-crash-probe recover PATH              opens the store for writing and closes it
//   quantum-crash-probe run PATH SCENARIO POINT   plays until nothing can go on, and ends at the given point; 0: plays to the end
//                                                 and says how many points of each kind there were
internal import Glibc
internal import LibOSModel
internal import SQLiteRuntimeStore

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
do {
    switch (arguments[1], arguments.count) {
    case ("prepare", 4):
        guard let scenario = CrashScenario.named(arguments[3]) else { exit(64) }
        try await CrashStage.prepare(arguments[2], scenario)
    case ("recover", 3): await (try SQLiteRuntimeStore.open(path: CrashStage.store(in: arguments[2]))).close()
    case ("run", 5):
        guard let scenario = CrashScenario.named(arguments[3]), let countdown = StepCountdown(point: arguments[4]) else { exit(64) }
        let stage = try await CrashStage(arguments[2], observer: countdown.observer)
        countdown.arm()
        try await stage.play(scenario)
        say("points \(countdown.counts)")
        await stage.store.close()
    default: exit(64)
    }
} catch {
    say("error \(error)")
    exit(1)
}
