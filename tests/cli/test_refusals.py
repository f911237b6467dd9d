"""What cannot be done is said in one sentence, with an exit code and without a traceback."""

from pathlib import Path

from tests.cli.terminal import Ended, Terminal


def sentence(ended: Ended) -> str:
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith("kesos: ")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("kesos: ").strip()


def test_a_folder_that_is_no_database(terminal: Terminal) -> None:
    (terminal.data_dir / "postgres").mkdir(parents=True)
    (terminal.data_dir / "postgres" / "letter.txt").touch()
    assert sentence(terminal.kesos("demo", "--port", "0")) == (
        f"{terminal.data_dir}/postgres is not empty and holds no database: "
        "move it away, or point KESOS_DATA_DIR at another folder."
    )


def test_a_folder_of_an_older_postgresql(terminal: Terminal) -> None:
    (terminal.data_dir / "postgres").mkdir(parents=True)
    (terminal.data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    assert "was made by PostgreSQL 15, this Kesos brings" in sentence(terminal.kesos("demo", "--port", "0"))


def test_a_folder_whose_name_the_database_cannot_bear(folder: Path) -> None:
    (folder / "data sosial").mkdir()
    refused = Terminal(folder / "data sosial").kesos("migrate")
    assert sentence(refused).endswith("point KESOS_DATA_DIR at another folder.")


def test_an_empty_database(terminal: Terminal) -> None:
    assert sentence(terminal.kesos("token", "--role", "PSM", "--region", "33.02")) == (
        "The database is empty: run `kesos migrate` first (`kesos demo` does it, too)."
    )
    assert terminal.processes() == []


def test_a_token_where_a_real_issuer_is_configured(folder: Path) -> None:
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    terminal = Terminal(
        folder,
        KESOS_ISSUER="https://sso.test",
        KESOS_JWKS_URL="https://sso.test/jwks",
        KESOS_SEALING_KEYS=f'{{"one": "{key}"}}',
        KESOS_DIGEST_KEY=key,
    )
    assert terminal.kesos("migrate").code == 0
    assert "the development issuer is off" in sentence(terminal.kesos("token", "--role", "PSM", "--region", "33.02"))
    assert "unset KESOS_ISSUER" in sentence(terminal.kesos("demo", "--port", "0"))


def test_settings_that_make_no_sense_are_named_without_their_values(folder: Path) -> None:
    refused = Terminal(folder, KESOS_PORT="haram", KESOS_DIGEST_KEY="s3cret").kesos("serve")
    assert sentence(refused).startswith("The settings in the environment cannot be used: KESOS_PORT: ")
    assert "s3cret" not in refused.err
    assert "haram" not in refused.err


def test_a_day_of_families_that_is_none_or_still_to_come(terminal: Terminal) -> None:
    for command in (
        ("demo",),
        ("seed", "--region", "33", "--families", "1"),
        ("sample", "kesos-csv", "--region", "33", "--families", "1", "--out", "x"),
    ):
        assert (
            sentence(terminal.kesos(*command, "--as-of", "kemarin")) == "kemarin is no day: write --as-of 2026-10-01."
        )
        assert sentence(terminal.kesos(*command, "--as-of", "9999-12-31")).startswith("9999-12-31 is still to come")
    assert not terminal.data_dir.exists()


def test_a_server_that_is_not_there(folder: Path) -> None:
    terminal = Terminal(folder, KESOS_DATABASE_URL="postgresql://kesos:pw@127.0.0.1:1/kesos")
    for command in ("migrate", "check"):
        refused = sentence(terminal.kesos(command))
        assert "127.0.0.1" in refused
        assert "pw@" not in refused


def test_a_schema_that_is_not_the_committed_one(terminal: Terminal) -> None:
    printed = terminal.kesos("schema")
    committed = terminal.folder / "schema.graphql"
    committed.write_text(printed.out)
    assert terminal.kesos("schema", "--check") == Ended(0, "", "")
    committed.write_text(printed.out.replace("type Query", "type Question", 1))
    differs = terminal.kesos("schema", "--check")
    assert differs.code == 1
    assert "+type Query" in differs.out
    assert "run `kesos schema > schema.graphql`" in differs.err
