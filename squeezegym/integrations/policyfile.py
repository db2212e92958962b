"""Files of trained policies: weights and what they need to act, and nothing that could run.

A policy is a zip of ``policy.json`` (:class:`PolicySpec`), one ``weights/NAME.npy`` for each
tensor, and ``manifest.json`` with the SHA-256 of them all. Reading it unpickles nothing. Equal
weights give equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.lib import format as npy
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from squeezegym.envs.observation import FEATURES
from squeezegym.errors import DataError
from squeezegym.files import write_whole

Algorithm = Literal["ppo", "recurrent_ppo", "qr_dqn", "maskable_ppo", "sac"]
ALGORITHMS: tuple[Algorithm, ...] = ("ppo", "recurrent_ppo", "qr_dqn", "maskable_ppo", "sac")

MOST_BYTES = 64 * 2**20
"""Of all members together, unpacked."""
MOST_MEMBERS = 200
MOST_RATIO = 100
"""Unpacked over packed size of a member."""
_SPEC, _MANIFEST = "policy.json", "manifest.json"
_WEIGHT = re.compile(r"weights/[A-Za-z0-9_.]{1,200}\.npy")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same weights give the same bytes at any time
_Count = Annotated[int, Field(ge=1, le=4096)]


class PolicySpec(BaseModel):
    """What a network needs beside its weights to act."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    algorithm: Algorithm
    decision_steps: Annotated[int, Field(ge=1, le=100_000)]
    """Environment steps that a decision stands."""
    hidden: Annotated[tuple[_Count, ...], Field(max_length=8)]
    """Units of the hidden layers."""
    lstm: Annotated[int, Field(ge=0, le=4096)] = 0
    """Units of the memory; 0 without one."""
    blind: tuple[str, ...] = ()
    """Observations that it was trained without."""
    features: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
    """Names of the observation's entries."""
    env_id: str
    scenario: str
    """Digest of the scenario it was trained on."""
    seed: int
    steps: int
    """Environment steps of its training, over all markets."""


def write_policy(path: Path, spec: PolicySpec, weights: dict[str, Any]) -> str:
    """Write a policy and return the SHA-256 of the file.

    Args:
        path: File to write, whole or not at all.
        spec: What it needs beside its weights.
        weights: Arrays by name.
    """
    members = {_SPEC: (json.dumps(spec.model_dump(mode="json"), indent=2) + "\n").encode()}
    for name, array in sorted(weights.items()):
        buffer = io.BytesIO()
        npy.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        members[f"weights/{name}.npy"] = buffer.getvalue()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    members[_MANIFEST] = (json.dumps(sums, indent=2) + "\n").encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    write_whole(path, lambda partial: partial.write_bytes(file.getvalue()))
    return hashlib.sha256(file.getvalue()).hexdigest()


def read_policy(path: str | Path) -> tuple[PolicySpec, dict[str, Any]]:
    """Read a policy; nothing in the file is run.

    Returns:
        What it needs beside its weights, and the arrays by name.

    Raises:
        DataError: The file is missing, is no policy of this package, holds anything else or too
            much, has been changed, or belongs to other observations.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
    except (OSError, zipfile.BadZipFile, RuntimeError, EOFError) as error:  # as of a password
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"policy file {str(path)!r} cannot be read ({reason}); give a policy.zip that "
            "agents.train has written"
        ) from None
    _check_sums(path, members)
    try:
        spec = PolicySpec.model_validate_json(members.pop(_SPEC))
        weights = {
            name.removeprefix("weights/").removesuffix(".npy"): _array(data)
            for name, data in members.items()
        }
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"policy file {str(path)!r}: {_SPEC}: {where}: {first['msg']}; train it again with "
            "this version"
        ) from None
    except ValueError as error:
        raise DataError(
            f"policy file {str(path)!r} holds weights that are no plain arrays ({error}); only "
            "numbers are loaded"
        ) from None
    if spec.features != tuple(feature.name for feature in FEATURES):
        raise DataError(
            f"policy file {str(path)!r} was trained on other observations than this version "
            f"publishes ({len(spec.features)} entries, here {len(FEATURES)}); train it again"
        )
    return spec, weights


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the content of every member, once names and sizes are known to be harmless."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    for name in names:
        if name not in (_SPEC, _MANIFEST) and not _WEIGHT.fullmatch(name):
            raise DataError(
                f"policy file {str(path)!r} holds {name[:80]!r}, allowed are {_SPEC}, {_MANIFEST} "
                "and weights/NAME.npy; what could hold code is not loaded"
            )
    if len(set(names)) != len(names) or len(names) > MOST_MEMBERS:
        raise DataError(
            f"policy file {str(path)!r} holds {len(names)} members, {len(set(names))} of them "
            f"different; allowed are at most {MOST_MEMBERS}, each once"
        )
    for entry in entries:
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise DataError(
                f"policy file {str(path)!r}: {entry.filename} unpacks to {entry.file_size} bytes "
                f"from {entry.compress_size}, allowed is {MOST_RATIO} times as much"
            )
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        raise DataError(
            f"policy file {str(path)!r} unpacks to {total} bytes, allowed are {MOST_BYTES}"
        )
    found = {}
    for entry in entries:
        with archive.open(entry) as member:  # never more than the directory said
            found[entry.filename] = member.read(entry.file_size)
    return found


def _check_sums(path: Path, members: dict[str, bytes]) -> None:
    """Compare the content with the manifest, and take the manifest out."""
    if _SPEC not in members or _MANIFEST not in members:
        raise DataError(
            f"policy file {str(path)!r} lacks {_SPEC} or {_MANIFEST}; give a policy.zip that "
            "agents.train has written"
        )
    try:
        sums = json.loads(members.pop(_MANIFEST))
    except ValueError:
        sums = None
    actual = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    if sums != actual:
        raise DataError(
            f"policy file {str(path)!r} does not agree with the checksums in {_MANIFEST}: it is "
            "damaged or was changed; get it again"
        )


def _array(data: bytes) -> Any:
    buffer = io.BytesIO(data)
    array = npy.read_array(buffer, allow_pickle=False)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"dtype {array.dtype}")
    return array
