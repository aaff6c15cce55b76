"""Provider kinds out of other packages are found, held to their word, and left out if broken."""

import asyncio
import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core.config import InvalidSettings, load_settings
from app.inference.providers import errors, plugins
from app.inference.providers.codec import Codec
from app.inference.providers.plugins import UnfitKind, fit, install_plugins
from app.inference.providers.registry import KINDS, OWN, build_provider
from app.inference.providers.types import Finished, ModelListing, TextDelta
from tests.inference.providers.asking import ask, events_of, text_until_error

EXAMPLE = Path(__file__).parent / "example_plugin"
DOCS = Path(__file__).parents[3] / "docs/gateway/providers.md"
ACME = "luminous-acme 1.0.0"


@pytest.fixture(autouse=True)
def _kinds_as_before() -> Iterator[None]:
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's package, installed by its place on the path."""
    for folder in (EXAMPLE, EXAMPLE / "installed"):
        monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()


def found(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Entry points by their names, in place of what is installed."""
    points = [EntryPoint(name, value, plugins.GROUP) for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)


def own(name: str = "mine", **fields):
    return replace(OWN[-1], name=name, label="Mine", **fields)


def test_the_example_is_installed_beside_our_own_kinds(example):
    install_plugins("on")
    assert list(KINDS) == [*(kind.name for kind in OWN), "acme"]
    assert (KINDS["acme"].label, KINDS["acme"].package) == ("Acme", ACME)
    install_plugins("on")
    assert len(KINDS) == len(OWN) + 1


@pytest.mark.parametrize(("choice", "there"), [("off", False), ("acme", True), ("other", False)])
def test_plugins_are_the_operators_choice(example, choice, there):
    with capture_logs() as logs:
        install_plugins(choice)
    assert ("acme" in KINDS) is there
    missing = [line["plugin"] for line in logs if line["event"] == "provider_plugin_missing"]
    assert missing == (["other"] if choice == "other" else [])


def test_one_that_is_switched_off_is_not_even_imported(example, monkeypatch):
    monkeypatch.delitem(sys.modules, "luminous_acme", raising=False)
    install_plugins("off")
    assert "luminous_acme" not in sys.modules


def test_a_setting_that_names_no_plugin_is_refused(monkeypatch):
    monkeypatch.setenv("LUMINOUS_PROVIDER_PLUGINS", "acme, Other!")
    with pytest.raises(InvalidSettings, match="LUMINOUS_PROVIDER_PLUGINS"):
        load_settings()
    monkeypatch.setenv("LUMINOUS_PROVIDER_PLUGINS", "acme, other")
    assert load_settings().provider_plugins == "acme,other"


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('no luck')", "raise SystemExit(3)", "import not_there", "KIND = 5"]
)
def test_a_broken_plugin_is_named_and_left_out(example, monkeypatch, tmp_path, code):
    (tmp_path / "broken_plugin.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    found(monkeypatch, broken="broken_plugin:KIND", acme="luminous_acme:KIND")
    with capture_logs() as logs:
        install_plugins("on")
    assert "broken" not in KINDS
    assert "acme" in KINDS
    (line,) = [line for line in logs if line["log_level"] == "warning"]
    assert (line["event"], line["plugin"]) == ("provider_plugin_broken", "broken")


def test_a_name_that_is_taken_is_refused_before_its_code_runs(monkeypatch):
    found(monkeypatch, openai="a_module_that_is_not_there:KIND")
    with capture_logs() as logs:
        install_plugins("on")
    assert KINDS["openai"] is OWN[0]
    assert logs[0]["event"] == "provider_plugin_refused"
    assert "taken" in logs[0]["reason"]


def test_metadata_that_cannot_be_read_stops_nothing(monkeypatch):
    def unreadable(group):
        raise OSError("disk")

    monkeypatch.setattr(plugins, "entry_points", unreadable)
    install_plugins("on")
    assert list(KINDS) == [kind.name for kind in OWN]


class OtherWords:
    dialect = "openai_chat"
    takes = frozenset({"temprature"})

    def __init__(self, base_url: str) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (own("other"), "not as its entry point"),
        (replace(own(), label="a\nb"), "label"),
        (own(dialect="Mine"), "dialect"),
        (own(dialect="mine"), "codec's is not"),
        (own(base_url="ftp://x"), "base URL"),
        (own(key_variable="lower"), "variable"),
        (own(key_variable="OPENAI_API_KEY"), "another kind's"),
        (own(codec=OtherWords), "temprature"),
    ],
)
def test_an_unfit_kind_is_refused_with_the_reason(kind, said):
    with pytest.raises(UnfitKind, match=said):
        fit(kind, "mine")


class Parrot:
    """A whole provider: its own kind, and what the kind builds."""

    name = "mine"
    label = "Parrot"
    dialect = "parrot"
    base_url = "https://parrot.example"
    key_variable = address_variable = None
    needs_key = True

    def takes(self, base_url):
        return frozenset({"temperature"})

    def build(self, connection):
        self.key = connection.api_key
        self.closed = asyncio.Event()
        return self

    async def complete(self, request, waits):
        raise ValueError(f"the key {self.key} stands here")

    async def stream(self, request, waits):
        try:
            if request.model == "late":
                await asyncio.sleep(60)
            yield TextDelta("Hel")
            if request.model == "floods":
                for self.made in range(10_000):
                    yield TextDelta("x")
            if request.model == "stalls":
                await asyncio.sleep(60)
            if request.model == "fails":
                raise KeyError(self.key)
            if request.model == "refuses":
                raise errors.ProviderRateLimited("Parrot", f"{self.key} is too fast", retry_after=3)
            yield TextDelta("lo")
            if request.model != "no-end":
                yield Finished("stop", "parrot-1", "1")
                yield TextDelta("after the end")
        finally:
            self.closed.set()

    async def list_models(self):
        return [ModelListing("parrot-1")]

    async def check(self):
        raise errors.ProviderAuthFailed("Parrot", "no such key")


KEY = "a-parrots-secret-key"


@pytest.fixture
def parrot() -> Parrot:
    inner = Parrot()
    KINDS["mine"] = fit(inner, "mine")
    return inner


@pytest.fixture
def whole(parrot, transport, settings):
    return build_provider("mine", None, KEY, transport, settings)


async def test_a_whole_provider_is_asked_like_ours(parrot, whole):
    events = await events_of(whole, ask())
    assert events == [TextDelta("Hel"), TextDelta("lo"), Finished("stop", "parrot-1", "1")]
    assert parrot.closed.is_set()
    assert await whole.list_models() == [ModelListing("parrot-1")]
    with pytest.raises(errors.ProviderAuthFailed, match="no such key"):
        await whole.check()


async def test_its_unknown_fields_are_refused_by_name(whole):
    for call in (whole.complete(ask(top_k=3)), whole.open(ask(top_k=3))):
        with pytest.raises(errors.ProviderUnfit, match="`top_k`"):
            await call


@pytest.mark.parametrize(
    ("model", "expected", "text"),
    [
        ("fails", errors.ProviderFailed, "Hel"),
        ("refuses", errors.ProviderRateLimited, "Hel"),
        ("no-end", errors.ProviderGarbled, "Hello"),
    ],
)
async def test_its_failures_are_typed_and_without_the_key(whole, model, expected, text):
    told, error = await text_until_error(whole, ask(model))
    assert (told, type(error)) == (text, expected)
    assert KEY not in str(error.problem())


async def test_what_it_raises_of_its_own_says_nothing(whole):
    with pytest.raises(errors.ProviderFailed) as caught:
        await whole.complete(ask())
    assert KEY not in str(caught.value.problem())


@pytest.mark.parametrize(("model", "text"), [("late", ""), ("stalls", "Hel")])
async def test_its_times_are_kept_for_it(parrot, transport, impatient, model, text):
    provider = build_provider("mine", None, KEY, transport, impatient)
    told, error = await text_until_error(provider, ask(model))
    assert (told, type(error)) == (text, errors.ProviderTimedOut)
    await asyncio.wait_for(parrot.closed.wait(), 20)


async def test_closing_its_events_closes_its_generator_at_once(parrot, whole):
    events = await whole.open(ask("stalls"))
    assert await events.read() == [TextDelta("Hel")]
    events.close()
    await asyncio.wait_for(parrot.closed.wait(), 20)


async def test_one_that_is_faster_than_its_reader_waits(parrot, whole):
    events = await whole.open(ask("floods"))
    await asyncio.sleep(0.05)
    assert parrot.made < 1000
    text = ""
    while read := await events.read():
        text += "".join(event.text for event in read if isinstance(event, TextDelta))
    assert text == "Hel" + "x" * 10_000 + "lo"


def test_a_whole_provider_is_never_given_bytes(parrot):
    with pytest.raises(errors.ProviderUnfit):
        KINDS["mine"].codec("https://parrot.example")
    parrot.dialect = "openai_responses"
    with pytest.raises(UnfitKind, match="codec is needed"):
        fit(parrot, "mine")


async def test_a_plugin_that_cannot_build_is_an_invalid_integration(transport, settings):
    def fails(base_url: str) -> Codec:
        if base_url != "https://fine.example":
            raise RuntimeError(KEY)
        return OWN[-1].codec(base_url)

    KINDS["mine"] = fit(own(codec=fails, base_url="https://fine.example"), "mine")
    with pytest.raises(errors.InvalidIntegration) as caught:
        build_provider("mine", "https://other.example", KEY, transport, settings)
    assert KEY not in str(caught.value.problem())


def test_the_page_shows_the_example_as_it_is():
    page = DOCS.read_text()
    for name, language in [
        ("pyproject.toml", "toml"),
        ("luminous_acme.py", "python"),
        ("test_luminous_acme.py", "python"),
    ]:
        assert f"```{language}\n{(EXAMPLE / name).read_text()}```\n" in page, name


def test_the_installed_entry_point_is_the_written_one():
    written = (EXAMPLE / "pyproject.toml").read_text()
    installed = (EXAMPLE / "installed/luminous_acme-1.0.0.dist-info/entry_points.txt").read_text()
    value = installed.rpartition("= ")[2].strip()
    assert f'acme = "{value}"' in written


def test_the_service_imports_neither_the_contract_nor_a_test_runner():
    code = "import sys, app.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    modules = done.stdout.split()
    assert "app.inference.providers.plugins" in modules
    assert [name for name in modules if "pytest" in name or "providers.contract" in name] == []
