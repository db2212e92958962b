"""A sweep over two nodes, against the same trainings alone. Needs the extra ``scale``."""

import json
import os
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from agents import sweep, train
from agents.sweep import Config, trials

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.scale

SETTINGS = {
    "changes": ["episode.horizon_s=2.0", "episode.burn_in_s=1.0"],
    "steps": 320,
    "num_envs": 4,
    "learner": {"decision_steps": 2, "hidden": [8], "on_policy": {"n_steps": 10, "batches": 2}},
}


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one core on this machine."""
    import ray
    from ray.cluster_utils import Cluster

    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    yield nodes
    if ray.is_initialized():
        ray.shutdown()
    nodes.shutdown()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_two_nodes_train_what_one_process_trains_alone(tmp_path, cluster):
    import ray

    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(SETTINGS))
    config = Config(
        training=str(file),
        out=tmp_path / "sweep",
        seeds="0:4",
        episodes=2,
        address=cluster.address,
    )
    ray.init(address=cluster.address, log_to_driver=False)
    assert sum(node["Alive"] for node in ray.nodes()) == 2
    assert ray.cluster_resources()["CPU"] == 2
    assert sweep.sweep(config, print) == []
    rows = json.loads((config.out / "sweep.json").read_text())
    assert [row["finished"] for row in rows] == [True] * 4
    assert len({row["policy_sha256"] for row in rows}) == 4
    assert all("value" in row["scores"] for row in rows)

    for row, trial in zip(rows, trials(config), strict=True):
        told = train.train_into(trial.settings, tmp_path / trial.name, Console(quiet=True))
        assert told["policy_sha256"] == row["policy_sha256"]

    shutil.rmtree(config.out / rows[2]["name"])
    lines = []
    assert sweep.sweep(config, lines.append) == []
    assert lines[0] == "3 of 4 trials are there"
    after = json.loads((config.out / "sweep.json").read_text())
    assert [r["policy_sha256"] for r in after] == [r["policy_sha256"] for r in rows]
