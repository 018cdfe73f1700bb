/// The machine around one run: looked at before it begins and when it has ended.
package struct MachineWatch: Sendable {
    private let others: Double?
    private let times: ProcessorTimes?

    /// Takes a third of a second, in which this program does nothing.
    package init() {
        others = ProcessorTimes.shareOfOthers()
        times = ProcessorTimes.now()
    }

    /// What other virtual machines took since it began.
    private var stolen: Double? { times.flatMap { earlier in ProcessorTimes.now()?.shares(since: earlier)?.stolen } }

    /// The same for processor time, in which waiting for others is not.
    package func judgeProcessorTime(_ verdict: inout NoiseVerdict) {
        verdict.look(atMachineBefore: nil, after: nil, stolen: stolen)
    }

    /// Adds what was seen; takes another third of a second.
    package func judge(_ verdict: inout NoiseVerdict) {
        let stolen = stolen
        verdict.look(atMachineBefore: others, after: ProcessorTimes.shareOfOthers(), stolen: stolen)
    }
}
