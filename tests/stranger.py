"""Another user of the machine, who tries every door of a running sweep; run by test_other_users.py.

Reads what to try as JSON and writes what it got. A process of root becomes `nobody` before it tries anything; another
one is of the same user, without the keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
from pathlib import Path

import dask.config
from distributed import Client
from distributed.comm import connect
from distributed.security import Security

NOBODY = 65534
#: Seconds for each attempt; who is let in is answered in milliseconds.
PATIENCE = 1.0
TLS_ALERT = 0x15


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        assert os.geteuid() == NOBODY


def listening_ports() -> set[int]:
    """Ports on which anybody listens, as every user can see them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            found |= {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
    return found


def with_words(port: int, words: bytes, context: ssl.SSLContext | None) -> str:
    """Connect, say something and return the answer; no answer and TLS's own refusals count as none."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
            context.wrap_socket(plain) if context else contextlib.nullcontext(plain) as stream,
        ):
            stream.sendall(words)
            answer = stream.recv(200)
    except OSError:
        return ""
    return "" if not context and answer[:1] == bytes([TLS_ALERT]) else repr(answer)


def without_check(certificate: Path | None) -> ssl.SSLContext:
    """TLS that takes any certificate of the other side and shows its own, if it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


async def identity(address: str, security: Security) -> str:
    """Ask in Dask's own words who is there."""

    async def ask() -> str:
        comm = await connect(address, timeout=PATIENCE, **security.get_connection_args("client"))
        try:
            await comm.write({"op": "identity", "reply": True})
            return repr(await comm.read())[:200]
        finally:
            comm.abort()

    try:
        return await asyncio.wait_for(ask(), PATIENCE)
    except Exception:
        return ""


async def run_code(address: str, security: Security) -> str:
    """Ask a scheduler to run a function, which would run as its owner."""

    async def run() -> str:
        client = await Client(address, security=security, timeout=PATIENCE, asynchronous=True)
        return f"ran code as {await client.run_on_scheduler(os.getuid)}"

    try:
        return await asyncio.wait_for(run(), 2 * PATIENCE)
    except Exception:
        return ""


async def at_port(
    port: int, securities: dict[str, Security], contexts: dict[str, ssl.SSLContext | None]
) -> dict:
    """Try everything at one port, at the same time."""
    tries = {}
    for name, context in contexts.items():
        for kind, words in (("HTTP", b"GET /status HTTP/1.0\r\n\r\n"), ("nonsense", b"\0" * 64)):
            tries[f"{kind}, {name}"] = asyncio.to_thread(with_words, port, words, context)
    for name, security in securities.items():
        for scheme in ("tcp", "tls"):
            if scheme == "tls" and not security.tls_ca_file:
                continue
            tries[f"identity, {scheme}, {name}"] = identity(f"{scheme}://127.0.0.1:{port}", security)
            tries[f"code, {scheme}, {name}"] = run_code(f"{scheme}://127.0.0.1:{port}", security)
    return dict(zip(tries, await asyncio.gather(*tries.values()), strict=True))


def at_socket(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return ""
    return "connected"


def read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


async def main() -> None:
    asked = json.load(sys.stdin)
    own = Security.temporary()
    context = without_check(None)
    certificate = Path(asked["folder"]) / "stranger.pem"
    certificate.write_text(own.tls_client_key + own.tls_client_cert)
    shown = without_check(certificate)
    become_nobody()
    contexts = {"no TLS": None, "no certificate": context, "a certificate of one's own": shown}
    with dask.config.set({"distributed.comm.timeouts.connect": PATIENCE}):
        ports = await asyncio.gather(
            *(at_port(port, {"nothing": Security(), "own keys": own}, contexts) for port in asked["ports"])
        )
    tried = dict(zip(map(str, asked["ports"]), ports, strict=True))
    got = {
        f"{port}: {name}": answer for port, tries in tried.items() for name, answer in tries.items() if answer
    }
    got |= {path: answer for path in asked["sockets"] if (answer := at_socket(path))}
    got |= {path: answer for path in asked["files"] if (answer := read(path))}
    seen = sorted(listening_ports() & set(asked["ports"]))
    found = {"user": os.geteuid(), "seen": seen, "got": got, "tries": sum(map(len, ports))}
    print(json.dumps(found), flush=True)
    os._exit(0)  # Dask would wait for what never answers


if __name__ == "__main__":
    asyncio.run(main())
