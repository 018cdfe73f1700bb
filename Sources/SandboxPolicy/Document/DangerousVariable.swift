/// Variables through which a host's environment could steer programs inside (peers.md 6.3).
enum DangerousVariable {
    static let exact: Set<String> = [
        "BASH_ENV", "ENV", "CDPATH", "GLOBIGNORE", "PROMPT_COMMAND", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PYTHONSTARTUP", "PYTHONPATH",
        "PYTHONHOME", "NODE_OPTIONS", "NODE_PATH", "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB", "GEM_PATH", "GEM_HOME",
        "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "DOTNET_STARTUP_HOOKS", "GOFLAGS", "GIT_EXTERNAL_DIFF", "GCONV_PATH",
        "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "RES_OPTIONS", "HOSTALIASES",
    ]
    static let prefixes = ["LD_", "DYLD_", "BASH_FUNC_", "MALLOC_", "GIT_SSH", "OP_"]

    static let secretSuffixes = [
        "_ACCESS_KEY", "_APIKEY", "_API_KEY", "_AUTH", "_AUTH_TOKEN", "_CONNECTION_STRING", "_CREDENTIAL", "_CREDENTIALS", "_PASSWD",
        "_PASSWORD", "_PRIVATE_KEY", "_PWD", "_SECRET", "_SECRET_KEY", "_SOCK", "_SOCKET", "_SOCKET_PATH", "_TOKEN", "_PID",
    ]
    static let secretNames: Set<String> = [
        "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "DATABASE_URL", "GOOGLE_APPLICATION_CREDENTIALS", "KUBECONFIG", "MONGODB_URI", "MONGO_URI",
        "REDIS_URL", "SENTRY_DSN", "SLACK_WEBHOOK_URL", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY",
        "GPG_AGENT_INFO", "DOCKER_HOST",
    ]

    /// Why a host's value must not come in; nil when it may.
    static func reason(_ name: String) -> String? {
        let isCut = exact.contains(name) || prefixes.contains { name.hasPrefix($0) } || name.hasPrefix("GIT_") && name.hasSuffix("_COMMAND")
        return isCut ? "it changes what programs load or run" : nil
    }

    /// Whether the name looks as if its value were a secret or a socket of the host.
    static func looksSecret(_ name: String) -> Bool {
        secretNames.contains(name) || secretSuffixes.contains { name.hasSuffix($0) }
    }
}
