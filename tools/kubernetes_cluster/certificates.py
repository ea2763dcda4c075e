"""One authority, one certificate of every server, one of the API server as a client, and a token for each other user.

Loopback is no protection on a machine with other users: whoever reaches etcd or kubelet without one of these is root.
"""

import secrets
import subprocess

from ..private.folder import ClusterError
from .folder import Folder

USERS = {
    "admin": "system:masters",
    "kube-controller-manager": "",
    "kube-scheduler": "",
    "kubelet": "system:nodes",
}
NAMES = {"kube-controller-manager": "system:kube-controller-manager", "kube-scheduler": "system:kube-scheduler"}
NODE = "localhost"
"""Another name has to be resolved by the API server when it reads a pod's log."""


def write(folder: Folder) -> dict[str, str]:
    """Write them all anew; returns each user's token."""
    etc = folder.etc
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        "/CN=ca",
        "-keyout",
        f"{etc}/ca.key",
        "-out",
        f"{etc}/ca.crt",
    )
    _signed(folder, "server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    _signed(folder, "client", "/O=system:masters/CN=kube-apiserver", "extendedKeyUsage=clientAuth")
    _openssl("genrsa", "-out", f"{etc}/service-accounts.key", "2048")
    tokens = {user: secrets.token_hex(16) for user in USERS}
    names = {user: NAMES.get(user, f"system:node:{NODE}" if user == "kubelet" else user) for user in USERS}
    rows = [f'{tokens[user]},{names[user]},{user},"{group}"' for user, group in USERS.items()]
    path = etc / "tokens.csv"
    path.touch(mode=0o600)
    path.write_text("\n".join(rows) + "\n")
    return tokens


def _signed(folder: Folder, name: str, subject: str, extension: str) -> None:
    etc = folder.etc
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{etc}/{name}.key", "-out", f"{etc}/{name}.csr")
    (etc / f"{name}.ext").write_text(extension + "\n")
    authority = ("-CA", f"{etc}/ca.crt", "-CAkey", f"{etc}/ca.key", "-CAcreateserial", "-days", "3650")
    _openssl("x509", "-req", "-in", f"{etc}/{name}.csr", *authority, "-extfile", f"{etc}/{name}.ext", "-out", f"{etc}/{name}.crt")


def _openssl(*arguments: str) -> None:
    done = subprocess.run(("openssl", *arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ClusterError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
