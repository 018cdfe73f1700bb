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
        .executable(name: "glovebox-runtime", targets: ["GloveboxRuntimeCLI"]),
        .executable(name: "glovebox-worker", targets: ["GloveboxWorker"]),
        .executable(name: "glovebox-launcher", targets: ["glovebox-launcher"]),
        .executable(name: "glovebox-workload", targets: ["glovebox-workload"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Without traits, and with products that async-http-client has built in any case: nothing more to compile.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    ],
    targets: [
        // C: what touches the kernel.
        .systemLibrary(name: "CSeccomp", path: "sandbox/CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CYAML", path: "sandbox/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSQLite", path: "sandbox/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CLaunchABI", path: "sandbox/abi", cSettings: cSettings),
        .target(name: "CLinuxShims", path: "sandbox/shims", cSettings: cSettings),
        .target(
            name: "CSandboxCore", dependencies: ["CLaunchABI"], path: "sandbox/core", cSettings: cSettings,
            linkerSettings: [.linkedLibrary("cap")]),
        .executableTarget(
            name: "glovebox-launcher", dependencies: ["CSandboxCore", "CLaunchABI"], path: "sandbox/launcher",
            cSettings: cSettings, linkerSettings: [.linkedLibrary("cap")]),
        .executableTarget(name: "glovebox-workload", path: "sandbox/workload", cSettings: cSettings),
        .executableTarget(name: "sandbox-probe", dependencies: ["CSandboxCore"], path: "sandbox/probe", cSettings: cSettings),

        // Floor 0
        .target(name: "LinuxPrimitives", dependencies: ["CLinuxShims"], swiftSettings: swiftSettings),
        .target(name: "StrictJSON", swiftSettings: swiftSettings),
        .target(name: "ModelContextProtocol", dependencies: ["StrictJSON"], swiftSettings: swiftSettings),
        .target(name: "MCPClients", dependencies: ["StrictJSON"], swiftSettings: swiftSettings),
        .target(name: "CapabilityLanguage", dependencies: ["StrictJSON"], swiftSettings: swiftSettings),
        .target(
            name: "LibOSModel", dependencies: ["CapabilityLanguage", "StrictJSON", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swiftSettings),
        .target(
            name: "SandboxPolicy",
            dependencies: ["CapabilityLanguage", "StrictJSON", "CYAML", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swiftSettings),
        // Floor 1
        .target(
            name: "SandboxLauncher",
            dependencies: ["LinuxPrimitives", "SandboxPolicy", "StrictJSON", "CLaunchABI", "CLinuxShims", "CSeccomp"],
            swiftSettings: swiftSettings),
        // Floor 2
        .target(
            name: "ToolBroker",
            dependencies: [
                "CapabilityBroker", "SandboxLauncher", "SandboxPolicy", "LibOSModel", "CapabilityLanguage", "StrictJSON", "LinuxPrimitives",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "CapabilityBroker", dependencies: ["CapabilityLanguage", "LibOSModel", "SandboxPolicy", "StrictJSON"],
            swiftSettings: swiftSettings),
        // Floor 2
        .target(
            name: "SQLiteRuntimeStore",
            dependencies: [
                "LibOSModel", "CapabilityLanguage", "LinuxPrimitives", "StrictJSON", "CLinuxShims",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings),
        // Floor 3
        .target(
            name: "AgentRuntime", dependencies: ["CapabilityBroker", "LibOSModel", "CapabilityLanguage", "SandboxPolicy", "StrictJSON"],
            swiftSettings: swiftSettings),
        // Floor 4
        .target(
            name: "MCPApproval",
            dependencies: [
                "AgentRuntime", "CapabilityBroker", "LibOSModel", "SandboxPolicy", "StrictJSON",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "MCPRelay",
            dependencies: [
                "MCPApproval", "ModelContextProtocol", "AgentRuntime", "CapabilityBroker", "LibOSModel", "CapabilityLanguage",
                "SandboxLauncher",
                "SandboxPolicy", "StrictJSON", "LinuxPrimitives",
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "LLMExecutor",
            dependencies: ["AgentRuntime", "ToolBroker", "LibOSModel", "CapabilityLanguage", "SandboxPolicy", "StrictJSON"],
            swiftSettings: swiftSettings),
        // Floor 5
        .target(
            name: "MCPServer",
            dependencies: [
                "MCPApproval", "ModelContextProtocol", "ToolBroker", "AgentRuntime", "CapabilityBroker", "LibOSModel", "CapabilityLanguage",
                "SandboxLauncher",
                "SandboxPolicy", "StrictJSON", "LinuxPrimitives", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings),
        // Floor 5: the network under the model client, and what the two command-line programs share.
        .target(
            name: "ModelTransport",
            dependencies: [
                "LLMExecutor", "StrictJSON", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "CommandOutput", dependencies: ["SandboxLauncher", "SandboxPolicy", "StrictJSON", "LinuxPrimitives"],
            swiftSettings: swiftSettings),
        .target(
            name: "Benchmarking",
            dependencies: [
                "LLMExecutor", "AgentRuntime", "ToolBroker", "SQLiteRuntimeStore", "CapabilityBroker", "LibOSModel", "CapabilityLanguage",
                "SandboxLauncher", "SandboxPolicy", "StrictJSON", "LinuxPrimitives",
            ],
            swiftSettings: swiftSettings),
        // Floor 6
        .target(
            name: "Glovebox", dependencies: ["CapabilityLanguage", "SandboxLauncher", "SandboxPolicy", "StrictJSON", "LinuxPrimitives"],
            swiftSettings: swiftSettings),
        .target(
            name: "GloveboxCommands",
            dependencies: [
                "Glovebox", "CommandOutput", "CapabilityLanguage", "StrictJSON", "SandboxLauncher", "SandboxPolicy", "LinuxPrimitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "GloveboxRuntimeCommands",
            dependencies: [
                "Benchmarking", "ModelTransport", "LLMExecutor", "MCPServer", "MCPRelay", "MCPClients", "ModelContextProtocol",
                "AgentRuntime",
                "ToolBroker",
                "SQLiteRuntimeStore", "CapabilityBroker", "LibOSModel", "Glovebox", "CommandOutput", "CapabilityLanguage", "StrictJSON",
                "SandboxLauncher", "SandboxPolicy",
                "LinuxPrimitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swiftSettings),
        // Floor 7
        .executableTarget(name: "GloveboxRuntimeCLI", dependencies: ["GloveboxRuntimeCommands"], swiftSettings: swiftSettings),
        .executableTarget(name: "GloveboxCLI", dependencies: ["GloveboxCommands"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "GloveboxWorker", dependencies: ["LinuxPrimitives", "StrictJSON", "CSandboxCore"], swiftSettings: swiftSettings),

        // What tests of every floor and the benchmarks share.
        .target(name: "TestSupport", dependencies: ["LinuxPrimitives"], path: "Tests/TestSupport", swiftSettings: swiftSettings),

        // Benchmarks and the soak: programs to run, not tests that time.
        .executableTarget(
            name: "glovebox-bench",
            dependencies: [
                "Benchmarking", "SandboxLauncher", "SandboxPolicy", "LinuxPrimitives", "CapabilityBroker", "SQLiteRuntimeStore",
                "LibOSModel", "StrictJSON", "CapabilityLanguage", "CSQLite", "TestSupport",
            ],
            path: "Tests/Benchmarks", swiftSettings: swiftSettings),

        // Tests
        .target(
            name: "SandboxTestSupport", dependencies: ["LinuxPrimitives", "SandboxPolicy", "SandboxLauncher", "TestSupport"],
            path: "Tests/SandboxTestSupport", swiftSettings: swiftSettings),
        .executableTarget(
            name: "store-crash-probe", dependencies: ["SQLiteRuntimeStore", "LibOSModel", "CapabilityLanguage", "StrictJSON"],
            path: "Tests/StoreCrashProbe", swiftSettings: swiftSettings),
        .executableTarget(
            name: "quantum-crash-probe",
            dependencies: [
                "LLMExecutor", "AgentRuntime", "ToolBroker", "CapabilityBroker", "SQLiteRuntimeStore", "SandboxLauncher", "SandboxPolicy",
                "LibOSModel", "CapabilityLanguage", "StrictJSON", "SandboxTestSupport", "TestSupport", "GloveboxWorker",
                "glovebox-launcher",
            ],
            path: "Tests/QuantumCrashProbe", swiftSettings: swiftSettings),
        .testTarget(
            name: "ModelContextProtocolTests", dependencies: ["ModelContextProtocol", "StrictJSON", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MCPClientsTests", dependencies: ["MCPClients", "LinuxPrimitives", "StrictJSON", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MCPApprovalTests",
            dependencies: [
                "MCPApproval", "AgentRuntime", "CapabilityBroker", "SQLiteRuntimeStore", "SandboxPolicy", "LibOSModel",
                "CapabilityLanguage",
                "StrictJSON", "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MCPServerTests",
            dependencies: [
                "MCPServer", "MCPApproval", "ModelContextProtocol", "ToolBroker", "CapabilityBroker", "AgentRuntime", "SQLiteRuntimeStore",
                "LibOSModel", "CapabilityLanguage", "SandboxPolicy", "StrictJSON", "LinuxPrimitives", "SandboxTestSupport", "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MCPRelayTests",
            dependencies: [
                "MCPApproval", "MCPRelay", "ModelContextProtocol", "AgentRuntime", "CapabilityBroker", "SQLiteRuntimeStore",
                "SandboxLauncher",
                "SandboxPolicy", "LibOSModel", "CapabilityLanguage", "StrictJSON", "LinuxPrimitives", "SandboxTestSupport", "TestSupport",
                "glovebox-launcher",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LibOSModelTests", dependencies: ["LibOSModel", "CapabilityLanguage", "StrictJSON"], swiftSettings: swiftSettings),
        .testTarget(
            name: "CapabilityBrokerTests",
            dependencies: ["CapabilityBroker", "SQLiteRuntimeStore", "LibOSModel", "CapabilityLanguage", "SandboxPolicy", "StrictJSON"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "AgentScenarioTests",
            dependencies: [
                "LLMExecutor", "AgentRuntime", "ToolBroker", "CapabilityBroker", "SQLiteRuntimeStore", "SandboxPolicy", "LibOSModel",
                "CapabilityLanguage", "StrictJSON", "SandboxTestSupport", "TestSupport", "GloveboxWorker", "glovebox-launcher",
                "quantum-crash-probe",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LLMExecutorTests",
            dependencies: [
                "LLMExecutor", "AgentRuntime", "ToolBroker", "CapabilityBroker", "SQLiteRuntimeStore", "LibOSModel", "CapabilityLanguage",
                "StrictJSON", "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "BenchmarkingTests", dependencies: ["Benchmarking", "StrictJSON", "LinuxPrimitives", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ModelTransportTests",
            dependencies: ["ModelTransport", "LLMExecutor", "LibOSModel", "StrictJSON", "LinuxPrimitives", "SandboxTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "AgentRuntimeTests",
            dependencies: [
                "AgentRuntime", "CapabilityBroker", "SQLiteRuntimeStore", "LibOSModel", "CapabilityLanguage", "SandboxPolicy", "StrictJSON",
                "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LinuxPrimitivesTests", dependencies: ["LinuxPrimitives", "CLinuxShims", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "SQLiteRuntimeStoreTests",
            dependencies: [
                "SQLiteRuntimeStore", "LibOSModel", "CapabilityLanguage", "LinuxPrimitives", "StrictJSON", "SandboxTestSupport",
                "TestSupport",
                "store-crash-probe",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SandboxPolicyTests", dependencies: ["SandboxPolicy", "CapabilityLanguage", "StrictJSON"], swiftSettings: swiftSettings),
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
            name: "ToolBrokerTests",
            dependencies: [
                "ToolBroker", "CapabilityBroker", "SQLiteRuntimeStore", "SandboxLauncher", "SandboxPolicy", "LibOSModel",
                "CapabilityLanguage", "StrictJSON", "LinuxPrimitives",
                "SandboxTestSupport", "TestSupport", "glovebox-launcher", "sandbox-probe", "GloveboxWorker",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "GloveboxCommandsTests",
            dependencies: [
                "GloveboxCommands", "CommandOutput", "Glovebox", "SandboxLauncher", "SandboxPolicy", "CapabilityLanguage", "StrictJSON",
                "LinuxPrimitives",
                "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "GloveboxRuntimeCommandsTests",
            dependencies: [
                "GloveboxRuntimeCommands", "AgentRuntime", "LLMExecutor", "SQLiteRuntimeStore", "CapabilityBroker", "LibOSModel",
                "CommandOutput", "SandboxPolicy", "MCPClients", "CapabilityLanguage", "StrictJSON", "ToolBroker", "LinuxPrimitives",
                "Benchmarking", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Glovebox", "SandboxTestSupport", "TestSupport", "LinuxPrimitives", "StrictJSON", "GloveboxCLI", "GloveboxRuntimeCLI",
                "GloveboxWorker", "glovebox-launcher", "glovebox-workload", "sandbox-probe",
            ],
            swiftSettings: swiftSettings),
    ],
    cLanguageStandard: .gnu17
)
