internal import Glibc

/// Where values stand between the two ends of an axis, and which ones are written beneath it.
struct PlotAxis {
    let isLogarithmic: Bool
    let least: Double
    let most: Double
    let ticks: [Double]

    /// From nought; logarithmic, and then from the decade below the least value, when the values lie far apart.
    init(_ values: [Double]) {
        let usable = values.filter { $0.isFinite && $0 > 0 }
        let (smallest, largest) = (usable.min() ?? 1, usable.max() ?? 1)
        isLogarithmic = largest / smallest > 20
        if isLogarithmic {
            least = pow(10, floor(log10(smallest * 0.999)))
            let end = largest * 1.15
            most = end
            var ticks: [Double] = []
            var decade = least
            while decade <= end {
                ticks += [1, 2, 5].map { $0 * decade }.filter { $0 <= end }
                decade *= 10
            }
            // Where decades are many, their beginnings are enough.
            self.ticks = ticks.count > 10 ? ticks.filter { abs(log10($0) - log10($0).rounded()) < 1e-9 } : ticks
        } else {
            least = 0
            most = largest * 1.1
            let rough = most / 6
            let decade = pow(10, floor(log10(rough)))
            let step = ([1, 2, 5, 10].first { $0 * decade >= rough } ?? 10) * decade
            ticks = (0...Int(most / step)).map { Double($0) * step }
        }
    }

    /// 0…1
    func place(_ value: Double) -> Double {
        guard value.isFinite, value > 0 else { return 0 }
        let part = isLogarithmic ? (log10(value) - log10(least)) / (log10(most) - log10(least)) : value / most
        return max(0, min(1, part))
    }
}
