"""The account pages in a server process of their own: `python -m tests.telemed.accounts.small_server PORT`."""

import json
import socket
import subprocess
import sys

from tests.e2e.server import ROOT, AppServer

SETTINGS = "tests.telemed.accounts.small_settings"


class AccountsServer(AppServer):
    """`AppServer` without a clinic: a fresh database with no user in it."""

    def unexplained(self) -> list[str]:
        return []  # it has no visits

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "TESTING": "1",
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "PUBLIC_BASE_URL": f"http://localhost:{self._port}",
        }

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", self._port))
            self._port = probe.getsockname()[1]
        command = [sys.executable, "-m", "tests.telemed.accounts.small_server", str(self._port)]
        with (self.var_directory / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True,
            )  # fmt: skip
        self.base_url = json.loads(self._first_line())["base_url"]

    def run(self, code: str) -> str:
        """stdout of Python code that runs beside the server, on its database."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout


def serve(port: int) -> None:
    import django

    django.setup()
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server
    from django.core.asgi import get_asgi_application
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    listening = json.dumps({"base_url": f"http://localhost:{port}"})
    Server(
        get_asgi_application(),
        endpoints=build_endpoint_description_strings(host="127.0.0.1", port=port),
        ready_callable=lambda: print(listening, flush=True),
        verbosity=1,
    ).run()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
