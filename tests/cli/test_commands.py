"""What an operator can get wrong is told in one sentence, with an exit code."""

import socket
from pathlib import Path

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from app.cli.commands import luminous
from tests.cli.test_up import free_port


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "LUMINOUS_PORT", "LUMINOUS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def refusal(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(luminous, list(arguments))
    assert result.stderr.count("\n") == 1, result.output
    return result.exit_code, result.stderr


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, sentence = refusal("up", "--port", str(port), "--data", "data")
    assert code == 1
    assert f"Port {port} is taken" in sentence
    assert "--port" in sentence
    assert not (tmp_path / "data").exists()


def test_an_empty_data_folder_is_not_the_current_one(tmp_path: Path) -> None:
    """`--data "$FOLDER"` with a variable that is not set."""
    result = CliRunner().invoke(luminous, ["api-key", "create", "--data", ""])
    assert (result.exit_code, "name a folder" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_refused() -> None:
    assert refusal("up", "--host", "192.0.2.1")[0] == 1


def test_a_bad_setting_exits_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUMINOUS_PORT", "eight thousand")
    code, sentence = refusal("up")
    assert code == 2
    assert "LUMINOUS_PORT" in sentence


def test_serve_wants_its_servers_named() -> None:
    assert refusal("serve") == (
        1,
        "luminous: Set DATABASE_URL and REDIS_URL, or use `up`, which brings its own servers.\n",
    )


@pytest.mark.parametrize(
    ("url", "words", "expected"),
    [
        ("postgresql://somebody:hush@127.0.0.1:1/nowhere", "The database cannot be used", 1),
        ("hush", "DATABASE_URL cannot be used: it is not a database address", 2),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, words: str, expected: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    code, sentence = refusal("migrate")
    assert code == expected
    assert words in sentence
    assert "hush" not in sentence


@pytest.mark.parametrize(
    ("path", "words"),
    [("luminous_is_not_here", 'database "luminous_is_not_here" does not exist'),
     ("template1", "run `luminous migrate` first")],
)  # fmt: skip
def test_serve_says_what_its_database_lacks(
    monkeypatch: pytest.MonkeyPatch, stores: tuple[str, str], path: str, words: str
) -> None:
    url = make_url(stores[0]).set(database=path).render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", stores[1])
    code, sentence = refusal("serve", "--port", str(free_port()))
    assert code == 1
    assert words in sentence


def test_migrate_names_a_database_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, stores: tuple[str, str]
) -> None:
    url = make_url(stores[0]).set(database="nowhere").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    assert 'database "nowhere" does not exist' in refusal("migrate")[1]


def test_a_misspelt_variable_is_named_and_others_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LUMINOUS_REGISTRATON", "LUMINOUS_API_KEY", "LUMINOUS_PORT_80_TCP"):
        monkeypatch.setenv(name, "closed")
    told = CliRunner().invoke(luminous, ["serve"]).stderr.splitlines()
    assert told[0] == (
        "luminous: LUMINOUS_REGISTRATON is no setting and changes nothing; "
        "did you mean LUMINOUS_REGISTRATION?"
    )
    assert len(told) == 2


def test_data_is_relative_to_where_the_script_was_called(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "data").write_text("a file")
    where = str(tmp_path / "elsewhere")
    code, sentence = refusal("--called-from", where, "api-key", "create", "--data", "data")
    assert code == 1
    assert f"{where}/data" in sentence
