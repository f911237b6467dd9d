"""The documents say what is there."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from graphql import build_schema, parse, validate

from app.cli.program import app
from app.schema.root import api
from app.settings import Settings

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")
KESOS: Any = typer.main.get_command(app)


def written(pattern: str) -> list[str]:
    found = re.findall(pattern, README, re.MULTILINE)
    assert found
    return found


def leaf(words: list[str]) -> tuple[Any, str, list[str]]:
    """The command that ``words`` name, its name, and what is left of them."""
    command, name = KESOS, ""
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command kesos {name} {words[0]}"
        command, name, words = command.commands[words[0]], f"{name} {words[0]}".strip(), words[1:]
    return command, name, words


def every_command(command: Any = KESOS, name: str = "") -> set[str]:
    if not hasattr(command, "commands"):
        return {name}
    return set().union(*(every_command(child, f"{name} {key}".strip()) for key, child in command.commands.items()))


LINES: Final = written(r"(?:^|`)(kesos [a-z][^`\n|>]*)")


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_readme_exists_with_its_options(line: str) -> None:
    command, name, rest = leaf(shlex.split(line)[1:])
    options = {option for parameter in command.params for option in parameter.opts}
    unknown = {word for word in rest if word.startswith("--")} - options
    assert not unknown, f"kesos {name} has no {unknown}"


def test_every_command_is_in_the_readme_and_says_what_it_does() -> None:
    assert every_command() == {leaf(shlex.split(line)[1:])[1] for line in LINES}
    for name in every_command():
        command = leaf(name.split())[0]
        assert command.help
        assert all(parameter.help for parameter in command.params if parameter.name != "help"), name


def test_the_targets_of_the_makefile_are_those_of_the_readme_and_of_make_help() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    targets = set(phony[1].split())
    assert targets == set(re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert targets == set(written(r"\bmake ([a-z]+)\b(?=[`\n ])"))


def test_every_setting_is_in_the_readme_and_nothing_else_is() -> None:
    assert set(written(r"KESOS_[A-Z_]+")) == {f"KESOS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("query", written(r"^```graphql\n([^`]+)```"))
def test_a_query_of_the_readme_is_valid(query: str) -> None:
    assert validate(build_schema(api().sdl), parse(query)) == []


def test_the_places_of_the_map_are_there() -> None:
    house = README[README.index("## The house") : README.index("## Work on it")]
    places = [
        place for row in re.findall(r"^\| (`.+?) \|", house, re.MULTILINE) for place in re.findall(r"`(.+?)`", row)
    ]
    assert len(places) > 9
    assert all((ROOT / place).exists() for place in places)


def test_the_lock_holds_every_dependency_and_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=~ ]", requirement)[0].lower() for requirement in wanted}
    assert names <= set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))
    assert "://" not in lock
