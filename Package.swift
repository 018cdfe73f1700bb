// swift-tools-version: 6.2
// Targets stand in dependency order: a module imports only what is above it here.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let cSettings: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .enableWarning("shadow"),
    .enableWarning("strict-prototypes"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "glovebox",
    products: [
        .library(name: "Glovebox", targets: ["Glovebox"]),
        .executable(name: "glovebox", targets: ["GloveboxCLI"]),
        .executable(name: "glovebox-launcher", targets: ["glovebox-launcher"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        // C: what touches the kernel.
        .systemLibrary(name: "CSeccomp", path: "sandbox/CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CYAML", path: "sandbox/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CLaunchABI", path: "sandbox/abi", cSettings: cSettings),
        .target(name: "CLinuxShims", path: "sandbox/shims", cSettings: cSettings),
        .target(
            name: "CSandboxCore", dependencies: ["CLaunchABI"], path: "sandbox/core", cSettings: cSettings,
            linkerSettings: [.linkedLibrary("cap")]),
        .executableTarget(
            name: "glovebox-launcher", dependencies: ["CSandboxCore", "CLaunchABI"], path: "sandbox/launcher",
            cSettings: cSettings, linkerSettings: [.linkedLibrary("cap")]),
        .executableTarget(name: "sandbox-probe", path: "sandbox/probe", cSettings: cSettings),

        // Floor 0
        .target(name: "LinuxPrimitives", dependencies: ["CLinuxShims"], swiftSettings: swiftSettings),
        .target(
            name: "SandboxPolicy", dependencies: ["CYAML", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swiftSettings),
        // Floor 1
        .target(
            name: "SandboxLauncher", dependencies: ["LinuxPrimitives", "SandboxPolicy", "CLaunchABI", "CLinuxShims", "CSeccomp"],
            swiftSettings: swiftSettings),
        // Floor 6
        .target(name: "Glovebox", dependencies: ["SandboxLauncher", "SandboxPolicy", "LinuxPrimitives"], swiftSettings: swiftSettings),
        .target(
            name: "GloveboxCommands",
            dependencies: [
                "Glovebox", "SandboxLauncher", "SandboxPolicy", "LinuxPrimitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        // Floor 7
        .executableTarget(name: "GloveboxCLI", dependencies: ["GloveboxCommands"], swiftSettings: swiftSettings),

        // What tests of every floor and the benchmarks share.
        .target(name: "TestSupport", dependencies: ["LinuxPrimitives"], path: "Tests/TestSupport", swiftSettings: swiftSettings),

        // Benchmarks and the soak: programs to run, not tests that time.
        .executableTarget(
            name: "glovebox-bench", dependencies: ["SandboxLauncher", "SandboxPolicy", "LinuxPrimitives", "CLinuxShims", "TestSupport"],
            path: "Tests/Benchmarks", swiftSettings: swiftSettings),

        // Tests
        .target(
            name: "SandboxTestSupport", dependencies: ["LinuxPrimitives", "SandboxPolicy", "SandboxLauncher", "TestSupport"],
            path: "Tests/SandboxTestSupport", swiftSettings: swiftSettings),
        .testTarget(
            name: "LinuxPrimitivesTests", dependencies: ["LinuxPrimitives", "CLinuxShims", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(name: "SandboxPolicyTests", dependencies: ["SandboxPolicy"], swiftSettings: swiftSettings),
        .testTarget(
            name: "SandboxLauncherTests",
            dependencies: [
                "SandboxLauncher", "SandboxPolicy", "CLaunchABI", "SandboxTestSupport", "TestSupport", "glovebox-launcher", "sandbox-probe",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SandboxEnforcementTests",
            dependencies: [
                "SandboxLauncher", "SandboxPolicy", "LinuxPrimitives", "SandboxTestSupport", "TestSupport", "glovebox-launcher",
                "sandbox-probe",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "GloveboxCommandsTests",
            dependencies: ["GloveboxCommands", "Glovebox", "SandboxLauncher", "SandboxPolicy", "LinuxPrimitives", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Glovebox", "SandboxTestSupport", "TestSupport", "LinuxPrimitives", "GloveboxCLI", "glovebox-launcher", "sandbox-probe",
            ],
            swiftSettings: swiftSettings),
    ],
    cLanguageStandard: .gnu17
)
