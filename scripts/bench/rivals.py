"""The gateways that Luminous is measured against, each installed into `.tools/` once."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from processes import ROOT, Started, free_port, start_program

TOOLS = ROOT / ".tools"
KEY = "sk-bench-0123456789"
PLENTY = "1000000"


@dataclass(frozen=True)
class Gateway:
    """Where to ask, and for what: `models` by the name of a variant (`whole`, `paced`, …)."""

    name: str
    server: Started
    path: str
    key: str
    models: dict[str, str]

    @property
    def is_rival(self) -> bool:
        return self.name not in {"direct", "Luminous"}


@dataclass(frozen=True)
class Rival:
    """A package that brings a gateway. LiteLLM's is an older stable release, by choice: a newer
    one (1.107.0) has been reported as compromised."""

    name: str
    package: str
    version: str
    program: str
    open: Callable[[Path, Path, str], AbstractContextManager[Gateway]]

    @property
    def home(self) -> Path:
        return TOOLS / f"{self.name.lower()}-{self.version}"

    def install(self) -> str:
        """Make its own environment; returns why that failed, or nothing."""
        if (self.home / "bin" / self.program).exists():
            return ""
        print(f"Installing {self.package}=={self.version} into {self.home} ...", flush=True)
        python = str(self.home / "bin" / "python")
        steps = (
            [sys.executable, "-m", "venv", str(self.home)],
            [python, "-m", "pip", "install", "--quiet", f"{self.package}=={self.version}"],
        )
        for step in steps:
            try:
                subprocess.run(step, check=True, capture_output=True, timeout=900)
            except (subprocess.SubprocessError, OSError) as error:
                shutil.rmtree(self.home, ignore_errors=True)
                said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
                return said.splitlines()[-1] if said else str(error)
        return ""

    def start(self, folder: Path, upstream: str) -> AbstractContextManager[Gateway]:
        return self.open(self.home, folder, upstream)


@contextmanager
def litellm(home: Path, folder: Path, upstream: str) -> Iterator[Gateway]:
    """Its proxy by its own advice for production: one worker a core, logs of errors only."""
    models = {"whole": "bench", "paced": "bench?chunks=50&delay_ms=20"}
    document = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": f"{upstream}/v1",
                    "api_key": "sk-upstream",
                },
            }
            for model in models.values()
        ],
        "litellm_settings": {"set_verbose": False, "request_timeout": 600, "json_logs": True},
        "general_settings": {"master_key": KEY},
    }
    config = folder / "litellm.yaml"
    config.write_bytes(orjson.dumps(document))  # JSON is YAML
    port = free_port()
    arguments = [str(home / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
    arguments += ["--host", "127.0.0.1", "--num_workers", "1"]
    settings = {"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "NO_DOCS": "True"}
    python = home / "bin" / "python"
    with start_program(python, arguments, folder, port, **settings) as server:
        yield Gateway("LiteLLM", server, "/v1/chat/completions", KEY, models)


@contextmanager
def ferrogw(home: Path, folder: Path, upstream: str) -> Iterator[Gateway]:
    """As it comes, one thread for its one core; its limit of 20 requests a second is lifted."""
    config = folder / "ferrogw.yaml"
    config.write_text("strategy:\n  mode: fallback\ntargets:\n  - virtual_key: openai\n")
    port = free_port()
    settings = {
        "PORT": str(port),
        "MASTER_KEY": KEY,
        "GATEWAY_CONFIG": str(config),
        "OPENAI_API_KEY": "sk-upstream",
        "OPENAI_BASE_URL": upstream,
        "RATE_LIMIT_RPS": PLENTY,
        "RATE_LIMIT_BURST": PLENTY,
        "LOG_LEVEL": "error",
        "GOMAXPROCS": "1",
    }
    program = home / "bin" / "ferrogw"
    with start_program(program, ["serve"], folder, port, **settings) as server:
        # It takes only models that its catalogue lists.
        models = {"whole": "gpt-4o"}
        yield Gateway("ferrogw", server, "/v1/chat/completions", KEY, models)


@contextmanager
def smg(home: Path, folder: Path, upstream: str) -> Iterator[Gateway]:
    """As it comes: no keys, no limits, no records."""
    port = free_port()
    arguments = [str(home / "bin" / "smg"), "launch", "--worker-urls", upstream]
    arguments += ["--host", "127.0.0.1", "--port", str(port), "--backend", "openai"]
    arguments += ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(free_port())]
    arguments += ["--log-level", "error"]
    with start_program(home / "bin" / "python", arguments, folder, port) as server:
        models = {"whole": "bench", "paced": "bench?chunks=50&delay_ms=20"}
        yield Gateway("smg", server, "/v1/chat/completions", KEY, models)


RIVALS = (
    Rival("LiteLLM", "litellm[proxy]", "1.80.11", "litellm", litellm),
    Rival("ferrogw", "ferrogw", "1.5.10", "ferrogw", ferrogw),
    Rival("smg", "smg", "1.13.0", "smg", smg),
)
