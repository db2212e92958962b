"""The one compile policy of the package.

Every kernel of ``squeezegym.core`` is declared with :func:`kernel` (a helper, compiled
inside its entry) or :func:`entry` (the few functions Python calls, cached on disk). The
intrinsics that numba lacks live here too, each with a plain-Python twin of the same
result, so that ``NUMBA_DISABLE_JIT=1`` runs the same market.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import event, types
from numba.extending import intrinsic

from squeezegym._linking import EarlyCompiler, HelperCompiler, compiling, frugally

JIT_DISABLED = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]

_U64_MASK = (1 << 64) - 1


_HELPER: dict[str, Any] = {
    "error_model": "numpy",
    # Without reference counts a call that passes a view costs nothing (38 -> 15 ns a message).
    "_nrt": False,
    # No helper is called from Python: a sixth of the compile time went into their wrappers.
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def kernel(
    function: Callable[..., Any] | None = None, *, inline: bool = False, early: bool = False
) -> Any:
    """Declare a kernel helper: compiled into its entry, never cached alone.

    Args:
        function: The helper. It may allocate nothing and keep no array.
        inline: Ask LLVM to inline it (an LLVM attribute, not numba's IR inlining, which
            multiplies compile time). For short helpers on the hot path, by measurement.
        early: Optimise it by itself before a lean entry links it. For helpers that take a large
            share of the market's time: the few that are declared so are worth 7 % of it; with
            all of them compiling would take twice as long, for no more.

    Returns:
        The dispatcher, or the plain function under ``NUMBA_DISABLE_JIT=1``.
    """
    if function is None:
        return functools.partial(kernel, inline=inline, early=early)
    compiler = EarlyCompiler if early else HelperCompiler
    return numba.njit(forceinline=inline, pipeline_class=compiler, **_HELPER)(function)


@functools.cache
def source_fingerprint() -> str:
    """Return the digest of every source file a kernel can be built from.

    numba's own cache looks only at the file of the cached function: an edit in a callee's
    file would bring the old machine code back. The digest is a closure constant of each
    entry and so a part of its cache key.
    """
    package = Path(__file__).parent
    sources = [*sorted((package / "core").glob("*.py"))]
    sources += [
        package / name
        for name in (
            "_jit.py",
            "_linking.py",
            "accountrecord.py",
            "bookrecord.py",
            "codes.py",
            "gatewaycodes.py",
            "gatewayrecord.py",
            "guardrecord.py",
            "measures.py",
            "params.py",
            "populationrecord.py",
            "protectionrecord.py",
            "rulecodes.py",
            "state.py",
            "statuses.py",
            "terms.py",
            "viewrecord.py",
        )
    ]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


class Entry:
    """A compiled function that Python calls, with a notice when it really compiles.

    It releases the GIL, so a batch is run as slices of rows on a thread pool: the same
    serial machine code for one market and for many.
    """

    def __init__(
        self, build: Callable[[str], Callable[..., Any]], seconds: int, ahead: str, lean: bool
    ) -> None:
        function = build(source_fingerprint())
        self._name = function.__name__
        self._seconds = seconds
        self._ahead = ahead
        self._lean = lean
        self._kernel = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
        self._known: set[Any] = set()
        self._latest: Any = None  # the class of the last call: hashing a large dtype takes time
        self._lock = threading.Lock()
        functools.update_wrapper(self, function)

    @property
    def signatures(self) -> list[Any]:
        """The compiled signatures: one for each size class in use."""
        return list(getattr(self._kernel, "signatures", []))

    def is_ready(self, records: Any) -> bool:
        """Whether the class of these records has been compiled (or loaded) in this process."""
        return JIT_DISABLED or records.dtype in self._known

    def __call__(self, *args: Any) -> Any:
        """Call the kernel, compiling it (with a notice) the first time a class is seen."""
        if args[0].dtype is self._latest or self.is_ready(args[0]):
            self._latest = args[0].dtype
            return self._kernel(*args)
        notice = _compile_notice(self._name, self._seconds, self._ahead)
        with self._lock, notice, frugally():
            compiling.lean = self._lean
            try:
                result = self._kernel(*args)
            finally:
                compiling.lean = False
        self._known.add(args[0].dtype)
        return result


def entry(
    build: Callable[[str], Callable[..., Any]] | None = None,
    *,
    seconds: int = 20,
    ahead: str = "warmup",
    lean: bool = False,
) -> Any:
    """Declare an entry from a builder that closes over the source fingerprint.

    Args:
        build: The builder.
        seconds: How long it compiles, about, for the notice.
        ahead: Command that compiles it ahead of time.
        lean: Leave the optimising of helpers, those declared ``early`` apart, to the entry: a
            third less compile time where calls nest deeply; the book alone runs 10 % slower with
            it.

    Returns:
        The :class:`Entry`.
    """
    if build is None:
        return functools.partial(entry, seconds=seconds, ahead=ahead, lean=lean)
    return Entry(build, seconds, ahead, lean)


class _CompileListener(event.Listener):
    """Says once that numba is compiling; silent when the machine code came from the cache."""

    def __init__(self, name: str, seconds: int, ahead: str) -> None:
        self._name = name
        self._seconds = seconds
        self._ahead = ahead
        self._said = False

    def on_start(self, event: Any) -> None:
        if not self._said:
            self._said = True
            print(
                f"squeezegym: compiling '{self._name}' for this machine "
                f"(about {self._seconds} s, once; `squeezegym {self._ahead}` does it ahead"
                " of time)",
                file=sys.stderr,
                flush=True,
            )

    def on_end(self, event: Any) -> None:
        pass


@contextmanager
def _compile_notice(name: str, seconds: int, ahead: str) -> Iterator[None]:
    with event.install_listener("numba:compile", _CompileListener(name, seconds, ahead)):
        yield


def _unary_bits(operation: str) -> Any:
    """Build an intrinsic that counts zero bits of a non-zero 64-bit word."""

    @intrinsic
    def count(typingctx: Any, word: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            undefined_at_zero = context.get_constant(types.boolean, True)
            return getattr(builder, operation)(args[0], undefined_at_zero)

        return types.uint64(types.uint64), codegen

    return count


@intrinsic
def _mul_high(typingctx: Any, a: Any, b: Any) -> Any:
    """High 64 bits of the unsigned 128-bit product."""
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        high = builder.lshr(product, ir.Constant(wide, 64))
        return builder.trunc(high, ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


def _reinterpret(source: Any, target: Any) -> Any:
    """Build an intrinsic that reads the bits of one 64-bit type as another."""

    @intrinsic
    def cast(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), codegen

    return cast


@intrinsic
def _address_of(typingctx: Any, record: Any) -> Any:
    """Machine address of a record."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], context.get_value_type(types.int64))

    return types.int64(record), codegen


@intrinsic
def _prefetch_address(typingctx: Any, address: Any) -> Any:
    """Ask the processor for the cache line at an address."""
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer_type = ir.IntType(8).as_pointer()
        flag = ir.IntType(32)
        hint = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [pointer_type],
            ir.FunctionType(ir.VoidType(), [pointer_type, flag, flag, flag]),
        )
        builder.call(hint, [builder.inttoptr(args[0], pointer_type), flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def _word_at(typingctx: Any, address: Any) -> Any:
    """The eight bytes at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = context.get_value_type(types.uint64)
        return builder.load(builder.inttoptr(args[0], word.as_pointer()))

    return types.uint64(types.int64), codegen


if JIT_DISABLED:

    def first_word(record: Any) -> Any:
        """The first eight bytes of a record, as a uint64."""
        return np.frombuffer(record.tobytes(), np.uint64, 1)[0]

    def to_bits(value: Any) -> Any:
        """The bits of a float64, as a uint64."""
        return np.float64(value).view(np.uint64)

    def from_bits(bits: Any) -> Any:
        """The float64 of these bits."""
        return np.uint64(bits).view(np.float64)

    def address_of(record: Any) -> int:
        """Return 0: the interpreter has no cache to warm."""
        return 0

    def prefetch_address(address: int) -> None:
        """Do nothing."""

    def prefetch(record: Any, first: int, last: int) -> None:
        """Do nothing: the interpreter has no cache to warm."""

    def trailing_zeros(word: Any) -> Any:
        """Index of the lowest set bit of a non-zero 64-bit word."""
        value = int(word)
        return np.int64((value & -value).bit_length() - 1)

    def leading_bit(word: Any) -> Any:
        """Index of the highest set bit of a non-zero 64-bit word."""
        return np.int64(int(word).bit_length() - 1)

    def wrapping_add(a: Any, b: Any) -> Any:
        """Sum modulo 2**64."""
        return np.uint64((int(a) + int(b)) & _U64_MASK)

    def wrapping_mul(a: Any, b: Any) -> Any:
        """Product modulo 2**64."""
        return np.uint64((int(a) * int(b)) & _U64_MASK)

    def mul_high(a: Any, b: Any) -> Any:
        """High 64 bits of the unsigned 128-bit product."""
        return np.uint64((int(a) * int(b)) >> 64)

else:
    _cttz = _unary_bits("cttz")
    _ctlz = _unary_bits("ctlz")
    _to_bits = _reinterpret(types.float64, types.uint64)
    _from_bits = _reinterpret(types.uint64, types.float64)

    @kernel(inline=True)
    def to_bits(value: Any) -> Any:
        """The bits of a float64, as a uint64."""
        return _to_bits(value)

    @kernel(inline=True)
    def from_bits(bits: Any) -> Any:
        """The float64 of these bits."""
        return _from_bits(bits)

    @kernel(inline=True)
    def address_of(record: Any) -> Any:
        """Machine address of a record."""
        return _address_of(record)  # type: ignore[call-arg]

    @kernel(inline=True)
    def first_word(record: Any) -> Any:
        """The first eight bytes of a record, as a uint64."""
        return _word_at(_address_of(record))  # type: ignore[call-arg]

    @kernel(inline=True)
    def prefetch_address(address: Any) -> None:
        """Ask for the cache line at an address before it is needed."""
        _prefetch_address(address)  # type: ignore[call-arg]

    @kernel(inline=True)
    def prefetch(record: Any, first: int, last: int) -> None:
        """Ask for the cache lines of bytes first..last of a record, before they are needed."""
        start = address_of(record)
        for offset in range(first & ~63, last, 64):
            prefetch_address(start + offset)

    @kernel(inline=True)
    def trailing_zeros(word: Any) -> Any:
        """Index of the lowest set bit of a non-zero 64-bit word."""
        return np.int64(_cttz(np.uint64(word)))

    @kernel(inline=True)
    def leading_bit(word: Any) -> Any:
        """Index of the highest set bit of a non-zero 64-bit word."""
        return np.int64(63) - np.int64(_ctlz(np.uint64(word)))

    @kernel(inline=True)
    def wrapping_add(a: Any, b: Any) -> Any:
        """Sum modulo 2**64."""
        return np.uint64(a) + np.uint64(b)

    @kernel(inline=True)
    def wrapping_mul(a: Any, b: Any) -> Any:
        """Product modulo 2**64."""
        return np.uint64(a) * np.uint64(b)

    @kernel(inline=True)
    def mul_high(a: Any, b: Any) -> Any:
        """High 64 bits of the unsigned 128-bit product."""
        return _mul_high(np.uint64(a), np.uint64(b))  # type: ignore[call-arg]
