"""A real nginx for tests, with the configuration of docs/deploy.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.servers import LIMIT_S, ROOT, free_port

HOST = "sms.example.com"
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


def find_nginx() -> str:
    """Return the path of nginx.

    Without one, the test is skipped; in CI it fails, unless TEST_WITHOUT_NGINX is set.
    """
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        demanded = os.environ.get("CI") and not os.environ.get("TEST_WITHOUT_NGINX")
        (pytest.fail if demanded else pytest.skip)("no nginx: install it, for example with apt-get install nginx")
    return found


def documented() -> str:
    """Return the configuration that docs/deploy.md shows."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    return str(block)


@contextmanager
def nginx(folder: Path, app_port: int) -> Iterator[tuple[int, trustme.CA]]:
    """Run nginx in front of an application, and yield its port and the authority of its certificate."""
    program, authority, port = find_nginx(), trustme.CA(), free_port()
    certificate = authority.issue_cert(HOST)
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    servers = (
        documented().replace("127.0.0.1:8000", f"127.0.0.1:{app_port}").replace("443 ssl", f"127.0.0.1:{port} ssl")
    )
    servers = servers.replace("/etc/ssl/sms.example.com.pem", f"{folder}/cert.pem")
    servers = servers.replace("/etc/ssl/sms.example.com.key", f"{folder}/key.pem")
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user, servers=servers))
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait_for(folder / "nginx.pid", process)
        yield port, authority
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def _wait_for(pid_file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until nginx has written its process id, which it does after it has begun to listen."""
    deadline = time.monotonic() + LIMIT_S
    while not pid_file.exists():
        assert process.poll() is None, "nginx has stopped"
        assert time.monotonic() < deadline, "nginx does not start"
        time.sleep(0.02)
