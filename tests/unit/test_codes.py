import numpy as np
import pytest

from squeezegym import codes, statuses
from squeezegym.errors import (
    ConfigError,
    DataError,
    EngineError,
    SqueezegymError,
    did_you_mean,
)
from squeezegym.state import N_STREAMS, SIZES, market_dtype

pytestmark = pytest.mark.nojit

TWINS = [
    *((name, codes.Side[name]) for name in ("BUY", "SELL")),
    *((name, codes.Tif[name]) for name in ("GTC", "IOC", "FOK")),
    *((member.name, member) for member in codes.MessageKind),
    *((member.name, member) for member in codes.SelfTrade),
    *((f"IS_{member.name}", member) for member in codes.OrderFlag),
    *((f"STATE_{member.name}", member) for member in codes.BookState),
    *((name, codes.Venue[name]) for name in ("PERP", "SPOT")),
    *((member.name, member) for member in codes.Status),
    *((member.name, member) for member in codes.Account),
    *((f"KIND_{member.name}", member) for member in codes.OwnerKind),
    ("FIRST_HOLDER", codes.FIRST_HOLDER_SLOT),
]


@pytest.mark.parametrize(("name", "member"), TWINS, ids=[name for name, _ in TWINS])
def test_twins_are_typed_and_equal(name, member):
    twin = getattr(statuses if isinstance(member, codes.Status) else codes, name)
    assert type(twin) is np.int64
    assert int(twin) == int(member)


@pytest.mark.parametrize(
    ("enum", "sentences"),
    [(codes.Status, codes.STATUS_TEXT), (codes.Problem, codes.PROBLEM_TEXT)],
)
def test_every_code_has_its_own_sentence(enum, sentences):
    assert set(sentences) == set(enum)
    assert len(set(sentences.values())) == len(sentences)
    for text in sentences.values():
        assert len(text.split()) >= 5
        assert text[0].islower() and not text.endswith(".")


def test_problems_and_commands_are_single_bits():
    for enum in (codes.Problem, codes.Command, codes.OrderFlag):
        bits = [int(member) for member in enum if member]
        assert all(bit & (bit - 1) == 0 for bit in bits)
        assert len(set(bits)) == len(bits)


def test_sources_and_streams_count_from_zero_without_a_gap():
    assert [int(source) for source in codes.Source] == list(range(len(codes.Source)))
    assert [int(stream) for stream in codes.Stream] == list(range(N_STREAMS))


def test_accounts_lie_below_the_holders():
    assert max(codes.Account) < codes.FIRST_HOLDER_SLOT


def test_size_classes_keep_the_kernels_limits():
    for sizes in SIZES.values():
        assert sizes.levels & (sizes.levels - 1) == 0 and sizes.levels >= 4096
        assert sizes.orders < 2**20  # a slot fits in an id
        assert sizes.levels // 4096 <= 64
    assert market_dtype("default").itemsize <= 1_000_000


def test_an_unknown_size_class_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"small, default, large.*got 'smal'.*mean 'small'"):
        market_dtype("smal")


def test_errors_form_the_tree_of_the_docstring():
    assert issubclass(ConfigError, SqueezegymError) and issubclass(ConfigError, ValueError)
    assert issubclass(DataError, SqueezegymError) and issubclass(DataError, ValueError)
    assert issubclass(EngineError, SqueezegymError) and issubclass(EngineError, RuntimeError)


def test_did_you_mean():
    assert did_you_mean("calmm", ["calm", "thin_alt"]) == "; did you mean 'calm'?"
    assert did_you_mean("xyz", ["calm", "thin_alt"]) == ""


def test_no_record_has_padding():
    from squeezegym.params import params_dtype
    from squeezegym.state import SIZES, market_dtype
    from squeezegym.viewrecord import VIEW_DTYPE

    def padded(dtype, path):
        dtype = dtype.base
        if dtype.fields is None:
            return []
        used = sum(field.itemsize for field, _ in dtype.fields.values())
        found = [path] if used != dtype.itemsize else []
        return found + [p for k, (f, _) in dtype.fields.items() for p in padded(f, f"{path}.{k}")]

    for size in SIZES:
        for seats in (1, 2, 7):
            assert padded(market_dtype(size, seats), size) == []
            assert padded(params_dtype(size, seats), size) == []
    assert padded(VIEW_DTYPE, "view") == []
