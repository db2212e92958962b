"""What is installed, what is not, and what the repository must not name."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

README_COMMANDS = (
    'python -m pip install -c constraints.txt -e ".[agents]" && python -m agents.quickstart',
    'python -m pip install -c constraints.txt -e ".[agents,dev]" && python -m pytest',
)
CORE = {"numpy", "numba", "gymnasium", "pydantic", "tyro", "rich"}
EXTRAS = {
    "agents": {
        "stable-baselines3",
        "sb3-contrib",
        "torch",
        "tensorboard",
        "tqdm",
        "matplotlib",
        "polars",
        "pyarrow",
    },
    "data": {"polars", "pyarrow", "tomlkit"},
    "view": {"matplotlib"},
    "theory": {"scipy", "antropy"},
    "multi": {"pettingzoo"},
    "scale": {"ray"},
    "zoo": {"rl-zoo3", "requests"},
    "docs": {"mkdocs-material", "mkdocstrings"},
    "dev": {
        "squeezegym",
        "build",
        "hatchling",
        "hypothesis",
        "import-linter",
        "mypy",
        "pytest",
        "pytest-timeout",
        "pytest-xdist",
        "ruff",
        "selenium",
        "supersuit",
    },
}
# The folder beside the checkout, as a relative path, an absolute one, or joined with pathlib.
SHARED = re.compile(rb"""\.\./shared\b|/work/shared\b|/\s*["']shared["']""")
MAY_NAME_SHARED = ("tests/", "benchmarks/", ".ci/")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def repository_files() -> list[str]:
    """What git holds or would take in, whether or not it is committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_readme_names_each_command_once_on_a_line_of_its_own() -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    installs = [line for line in lines if '-c constraints.txt -e ".[agents' in line]
    assert sorted(installs) == sorted(README_COMMANDS)


def test_core_dependencies() -> None:
    assert names(project()["dependencies"]) == CORE


@pytest.mark.parametrize("extra", EXTRAS)
def test_extra(extra: str) -> None:
    assert names(project()["optional-dependencies"][extra]) == EXTRAS[extra]


def test_there_is_no_other_extra() -> None:
    assert project()["optional-dependencies"].keys() == EXTRAS.keys()


def test_dev_takes_every_extra_but_scale_and_zoo() -> None:
    lines = project()["optional-dependencies"]["dev"]
    own = [Requirement(line) for line in lines if line.startswith("squeezegym")]
    assert [requirement.extras for requirement in own] == [EXTRAS.keys() - {"dev", "scale", "zoo"}]


def test_constraints_pin_what_is_asked_for() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = {
        canonicalize_name(requirement.name): str(requirement.specifier)
        for requirement in map(Requirement, re.findall(r"^[^#\s].*$", text, re.MULTILINE))
    }
    assert pins["torch"] == "==2.13.0"
    assert [pin for pin in pins.values() if not re.fullmatch(r"==[0-9a-z.]+", pin)] == []
    extras = (libraries for extra, libraries in EXTRAS.items() if extra not in {"scale", "zoo"})
    assert CORE.union(*extras) - {"squeezegym"} <= pins.keys()


def test_nothing_but_tests_and_benchmarks_names_the_shared_folder() -> None:
    files = repository_files()
    assert "pyproject.toml" in files
    naming = [
        name
        for name in files
        if not name.startswith(MAY_NAME_SHARED) and SHARED.search((ROOT / name).read_bytes())
    ]
    assert naming == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the source archive and the wheel that was built from that archive."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    info = f"squeezegym-{project()['version']}.dist-info"
    assert tops == {"squeezegym", info}


@pytest.mark.slow
def test_wheel_holds_every_module_and_every_config(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = repository_files()
    package = {name for name in files if name.startswith("squeezegym/")}
    configs = {
        "squeezegym/_configs/" + name.removeprefix("configs/")
        for name in files
        if name.startswith("configs/")
    }
    assert configs
    assert package | configs <= inside
    assert "squeezegym/py.typed" in inside


@pytest.mark.slow
def test_wheel_starts_the_command_line(wheel: Path) -> None:
    scripts = zipfile.Path(wheel, f"squeezegym-{project()['version']}.dist-info/entry_points.txt")
    assert "squeezegym = squeezegym.cli:main" in scripts.read_text("utf-8")


@pytest.mark.slow
def test_package_imports_from_the_wheel_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import squeezegym as s; print(s.__file__)"
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()) == tmp_path / "site/squeezegym/__init__.py"


@pytest.mark.slow
def test_configs_are_found_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from squeezegym.scenario import Scenario\n"
        "from squeezegym.resources import resources\n"
        "scenario = Scenario.load('calm', margin={'table': 'trbusdt'})\n"
        "print(resources(), len(scenario.margin.brackets), sep='\\n')\n"
    )
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, str(site)], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [str(site / "squeezegym/_configs"), "8"]


@pytest.mark.slow
def test_source_archive_holds_what_the_tests_need(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt"}
    assert wanted <= inside
    assert "tests/unit/test_packaging.py" in inside
    assert any(name.startswith("agents/") for name in inside)
