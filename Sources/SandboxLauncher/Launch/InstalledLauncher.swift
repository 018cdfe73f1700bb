extension SandboxSupervisor {
    /// Path of the glovebox-launcher that belongs to the running program: beside it, or in `../libexec/glovebox`.
    package static func installedLauncher() throws(LaunchError) -> String { try LauncherConnection.installedPath() }
}
