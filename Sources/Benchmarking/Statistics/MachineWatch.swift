/// The machine around one run: looked at before it begins and when it has ended.
package struct MachineWatch: Sendable {
    private let others: Double?
    private let times: ProcessorTimes?

    /// Takes a third of a second, in which this program does nothing.
    package init() {
        others = ProcessorTimes.shareOfOthers()
        times = ProcessorTimes.now()
    }

    /// Adds what was seen; takes another third of a second.
    package func judge(_ verdict: inout NoiseVerdict) {
        let stolen = times.flatMap { earlier in ProcessorTimes.now()?.shares(since: earlier)?.stolen }
        verdict.look(atMachineBefore: others, after: ProcessorTimes.shareOfOthers(), stolen: stolen)
    }
}
