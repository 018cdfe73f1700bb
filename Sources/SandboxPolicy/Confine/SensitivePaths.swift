/// Where hosts keep secrets (peers.md 6.4).
enum SensitivePaths {
    static let broad: Set<String> = [
        "usr", "etc", "var", "bin", "sbin", "lib", "lib64", "boot", "opt", "dev", "proc", "sys", "run", "home",
    ]

    static let inHome = [
        ".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".gcloud", ".kube", ".docker", ".git-credentials", ".netrc",
        ".npmrc", ".pypirc",
        ".cargo/credentials", ".cargo/credentials.toml", ".vault-token", ".credentials", ".secrets", ".keys", ".pki", ".terraform.d",
        ".password-store", ".1password", ".config/op", ".op", ".local/share/keyrings", ".config/gh", ".config/Keybase",
        ".config/google-chrome", ".config/chromium", ".mozilla", ".bash_history", ".zsh_history",
    ]
    static let absolute = [
        "etc/shadow", "etc/gshadow", "etc/sudoers", "etc/sudoers.d", "run/user", "run/docker.sock", "var/run/docker.sock",
    ]

    /// The root, and directories that hold the system: nobody's project.
    static func isOfSystem(_ path: [String]) -> Bool {
        path.isEmpty || broad.contains(path.joined(separator: "/")) || path.count == 2 && path.first == "usr"
    }

    /// The first secret that a readable path reaches and no deny takes away.
    static func secret(reachedBy path: [String], isDenied: ([String]) -> Bool) -> String? {
        for name in absolute {
            let parts = name.split(separator: "/").map(String.init)
            if parts.starts(with: path) || path.starts(with: parts), !isDenied(parts) { return "/" + name }
        }
        if path.isEmpty || path == ["home"] { return isDenied(["home"]) ? nil : "every home directory" }
        guard let home = path.first == "root" ? ["root"] : path.first == "home" ? Array(path.prefix(2)) : nil else { return nil }
        for name in inHome {
            let parts = home + name.split(separator: "/").map(String.init)
            if parts.starts(with: path) || path.starts(with: parts), !isDenied(parts) { return "/" + parts.joined(separator: "/") }
        }
        return nil
    }
}
