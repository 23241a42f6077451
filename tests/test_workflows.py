"""What runs on GitHub, as far as it can be seen from here: the files are read, and the Linux lines
run in a fresh clone.
"""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import first_cell
import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# YAML 1.1 reads the key `on` as True.
WORKFLOWS = {
    path.stem: {
        ("on" if key is True else key): value
        for key, value in yaml.safe_load(path.read_text()).items()
    }
    for path in FILES
}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
VERBS = set(
    re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
TEST = WORKFLOWS["test"]


def steps(name, job):
    return WORKFLOWS[name]["jobs"][job]["steps"]


def lines(name, job):
    """The commands of a job, each with its condition."""
    return [(step["run"], step.get("if")) for step in steps(name, job) if "run" in step]


def test_the_tests_run_on_every_push_on_every_pull_request_and_every_week():
    assert {"push", "pull_request", "schedule"} <= TEST["on"].keys()
    assert (
        TEST["on"]["push"] is None and TEST["on"]["pull_request"] is None
    )  # all branches, all files
    minute, hour, day, month, weekday = TEST["on"]["schedule"][0]["cron"].split()
    assert (day, month) == ("*", "*") and weekday in "0123456"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name, job", JOBS)
def test_a_job_ends_by_itself_and_takes_pinned_actions_of_the_house_of_actions(name, job):
    about = WORKFLOWS[name]["jobs"][job]
    assert "timeout-minutes" in about or job == "publish"
    for step in about["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v4"))


@pytest.mark.parametrize("name, job", JOBS)
def test_each_verb_and_file_that_a_job_names_is_there(name, job):
    for line, _ in lines(name, job):
        assert set(re.findall(r"\bmake ([a-z-]+)", line)) <= VERBS
        for file in re.findall(r"[\w/-]+\.(?:py|txt|lock)\b", line):
            assert (ROOT / file).is_file() or f"> {file}" in "".join(
                run for run, _ in lines(name, job)
            ), file


def test_three_systems_and_every_python_that_the_project_admits_and_pins_exist_for():
    matrix = TEST["jobs"]["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    pythons = {*matrix["python"], *(more["python"] for more in matrix["include"])}
    admitted = SpecifierSet(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert pythons == {"3.11", "3.12", "3.13", "3.14"} and all(
        admitted.contains(python) for python in pythons
    )


def test_windows_runs_what_make_test_runs():
    (windows,) = [
        line for line, condition in lines("test", "test") if condition == "runner.os == 'Windows'"
    ]
    assert "tools/set_up.py" in windows
    run = "-m pytest -n 2 --dist loadfile"
    assert f"{run} tests notebooks" in windows
    makefile = (ROOT / "Makefile").read_text()
    assert run in makefile and "$(PYTEST) tests notebooks" in makefile


def test_the_weekly_run_takes_no_pins():
    assert "schedule" in TEST["jobs"]["newest"]["if"]
    commands = "\n".join(line for line, _ in lines("test", "newest"))
    assert "s/==.*//" in commands and "--upgrade" in commands and "pytest notebooks" in commands


@pytest.mark.long
def test_the_linux_lines_run_in_a_fresh_clone(tmp_path):
    """Every `run:` of every job that a push starts, as the runner would: bash -e, on a clone,
    without our environment.
    """
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, clone], check=True)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | TEST[
        "env"
    ]
    for job, about in TEST["jobs"].items():
        for line, condition in lines("test", job) if "if" not in about else []:
            if condition != "runner.os == 'Windows'":
                done = subprocess.run(
                    ["bash", "-eo", "pipefail", "-c", line],
                    cwd=clone,
                    env=environ,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                assert done.returncode == 0, f"{job}: {line}\n{done.stdout[-3000:]}"
    assert (
        subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True).stdout
        == b""
    )


# ---------------------------------------------------------------- a JupyterHub

HUB = ROOT / "docs" / "hub"


def test_the_image_is_made_of_files_that_are_there_and_a_python_that_is_admitted():
    lines = (HUB / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert [
        word
        for word, _ in steps
        if word not in {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "CMD"}
    ] == []
    (python,) = [
        rest.removeprefix("python:").removesuffix("-slim") for word, rest in steps if word == "FROM"
    ]
    admitted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert SpecifierSet(admitted).contains(python)
    copied = [file for word, rest in steps if word == "COPY" for file in rest.split()[:-1]]
    assert copied and all((ROOT / file).is_file() for file in copied)
    assert [rest for word, rest in steps if word == "USER"] == ["jovyan"]  # not root


def test_the_values_give_a_student_the_memory_that_was_measured():
    values = yaml.safe_load((HUB / "values.yaml").read_text())
    said = (ROOT / "docs" / "publish.md").read_text(encoding="utf-8")
    measured = int(re.search(r"30 × (\d+) MB", said)[1])
    student = values["singleuser"]
    assert int(student["memory"]["guarantee"].removesuffix("M")) >= measured
    assert (
        student["memory"]["limit"] == "1G"
        and student["cpu"]["limit"] >= student["cpu"]["guarantee"]
    )
    command = student["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert command[0] == "gitpuller" and command[1] == first_cell.address()
    folder, notebook = student["defaultUrl"].removeprefix("/lab/tree/").split("/", 1)
    assert folder == command[3] and (ROOT / notebook).is_file()
