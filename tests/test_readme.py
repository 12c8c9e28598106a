"""What README and docs say is true: their output, their code, their commands and their links."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from echovlm.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
STAND_INS = {"path/to/checkpoint": "src/echovlm/nano", "study/": "examples/breast/"}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def without_numbers(text: str) -> str:
    """Bars and digits differ in their last place between processors."""
    return re.sub(r"[\d.]+%|[\u2588-\u258f]+|\d+\.\d+|\b[0-9a-f]{12}\b", "#", text)


def lines(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", without_numbers(line)).strip() for line in text.splitlines()]


def demo_commands() -> list[list[str]]:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    example = re.search(r"^EXAMPLE := (.*)$", recipe, flags=re.MULTILINE).group(1)
    demo = recipe.split("demo: $(STAMP)\n", 1)[1].split("\n\n", 1)[0]
    return [
        shlex.split(line.strip().replace("$(EXAMPLE)", example).replace("$(BIN)/echovlm ", ""))
        for line in demo.splitlines()
    ]


def test_the_demo_prints_what_the_readme_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    printed = ""
    for command in demo_commands():
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        printed += result.stdout
    shown = next(block for block in blocks(README, "text") if "PRELIMINARY" in block)
    assert lines(printed.strip()) == lines(shown.strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    for block in blocks(page.read_text(encoding="utf-8"), "python"):
        for said, here in STAND_INS.items():
            block = block.replace(said, here)
        exec(compile(block, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_options_that_exist(page):
    group = get_command(app)
    for block in blocks(page.read_text(encoding="utf-8"), "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["echovlm"] or words[1:2] == ["--version"]:
                continue
            command, words = group, words[1:]
            while hasattr(command, "commands"):
                command, words = command.commands[words[0]], words[1:]
            known = {name for option in command.params for name in option.opts}
            options = {word.split("=")[0] for word in words if word.startswith("--")}
            assert options <= known | {"--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
