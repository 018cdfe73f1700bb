// store-crash-probe: a program for tests that ends itself with SIGKILL in the middle of its work on a store.
//   store-crash-probe run PATH POINT [CYCLES]   works, and ends at the given point; 0: works to the end and says how many points there were
//   store-crash-probe fill PATH                 writes until the disk is full, makes room, and writes again
//   store-crash-probe hold PATH                 opens the store for writing, says so, and stays
internal import Glibc
internal import SQLiteRuntimeStore

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
do {
    switch arguments[1] {
    case "run":
        let countdown = Countdown(point: arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0)
        let store = try await SQLiteRuntimeStore.open(path: arguments[2], observer: countdown.observer)
        say("opened \(countdown.passed)")
        for cycle in 0..<(arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1) {
            for (number, step) in CrashScript(cycle: cycle).steps.enumerated() {
                try await step.run(on: store, named: "tx-\(cycle)-\(number)")
                say("committed tx-\(cycle)-\(number) \(countdown.passed)")
            }
        }
        say("points \(countdown.passed)")
        await store.close()
    case "hold":
        let store = try await SQLiteRuntimeStore.open(path: arguments[2])
        say("open")
        while true { pause() }
        await store.close()
    case "fill": try await FullDisk.run(arguments[2])
    default: exit(64)
    }
} catch {
    say("error \(error)")
    exit(1)
}
