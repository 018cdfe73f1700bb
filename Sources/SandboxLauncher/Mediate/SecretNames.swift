/// Names under which programs keep keys, tokens and passwords.
package enum SecretNames {
    /// Directories and files, wherever they stand.
    private static let parts = [
        ".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".netrc", ".git-credentials", ".pypirc", ".vault-token", ".pgpass",
        ".terraform.d", "id_rsa", "id_ed25519", "id_ecdsa",
    ].map { Array("/\($0)".utf8) }
    private static let places = ["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", "/etc/krb5.keytab", "/run/secrets"]
        .map { Array($0.utf8) }

    /// Whether an absolute path, without `.`, `..` and empty parts, names such a thing.
    package static func contain(_ path: [UInt8]) -> Bool {
        PathBytes.hasPart(path, parts)
            || path.withUnsafeBytes { path in places.contains { PathBytes.isAtOrBelow(path, $0) } }
    }
}
