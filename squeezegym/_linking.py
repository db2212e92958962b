"""How the code of kernel helpers is kept until an entry links it.

numba optimises each compiled function together with all that it calls and makes machine code of
it, so that every level of calls pays for those below it again. A helper is never called from
Python: its library keeps the code and leaves the machine code to the entries. This uses numba's
hooks for compiler pipelines, and four methods of its code library.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import errors, event
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, PassManager, register_pass
from numba.core.targetconfig import TargetConfig
from numba.core.typed_passes import (
    AnnotateTypes,
    InlineOverloads,
    NativeLowering,
    NopythonRewrites,
)
from numba.core.untyped_passes import (
    DeadBranchPrune,
    FindLiterallyCalls,
    InlineClosureLikes,
    InlineInlinables,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    RewriteDynamicRaises,
    RewriteSemanticConstants,
    WithLifting,
)

# A kernel has no closures, with blocks, raises, literally() or array expressions, inlines nothing
# on the level of numba's code, and nobody prints its types: a quarter of the compile time.
_NOT_NEEDED = {
    AnnotateTypes,
    DeadBranchPrune,
    FindLiterallyCalls,
    InlineClosureLikes,
    InlineInlinables,
    InlineOverloads,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    NopythonRewrites,
    RewriteDynamicRaises,
    RewriteSemanticConstants,
    WithLifting,
}

compiling = threading.local()  # how the entry of this thread wants its helpers


class _HelperCodegen:
    """The code generator as a helper's library sees it: no environment to set."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, env: Any) -> None:
        """Do nothing: nopython code of a helper reads no environment."""


class _HelperLibrary(JITCodeLibrary):
    """A helper's code: no machine code, and optimised here only where its entry is not lean."""

    early = False

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self._facade = _HelperCodegen(codegen)

    @property
    def codegen(self) -> Any:
        """The code generator, as helpers may use it."""
        return self._facade

    def _optimize_final_module(self) -> None:
        if self.early or not getattr(compiling, "lean", False):
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is no machine code to point to."""
        self._ensure_finalized()
        return 0


class _EarlyLibrary(_HelperLibrary):
    """The code of a helper that is optimised here whatever its entry wants."""

    early = True


@register_pass(mutates_CFG=False, analysis_only=True)
class _CreateHelperLibrary(AnalysisPass):
    """Let the lowering that follows fill a helper's library."""

    _name = "create_helper_library"
    kind = _HelperLibrary

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Make the library; the code has not changed."""
        state.library = self.kind(state.targetctx.codegen(), state.func_id.func_qualname)
        return False


@register_pass(mutates_CFG=False, analysis_only=True)
class _CreateEarlyLibrary(_CreateHelperLibrary):
    """The same for a helper that is optimised early."""

    _name = "create_early_library"
    kind = _EarlyLibrary


class _Briefly(tuple[Any, ...]):
    """The argument types of a helper, whose names a market's record makes a page long."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} arguments>"


class HelperCompiler(CompilerBase):
    """numba's own pipeline for kernels, less what they have no use for."""

    library: type[AnalysisPass] = _CreateHelperLibrary

    def define_pipelines(self) -> list[Any]:
        """Return the one pipeline."""
        self.state.args = _Briefly(self.state.args)  # every pass prints them into an event
        whole = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes = PassManager("helper")
        for step, description in whole.passes:
            if step is NativeLowering:
                passes.add_pass(self.library, "create helper library")
            if step not in _NOT_NEEDED:
                passes.add_pass(step, description)
        passes.finalize()
        return [passes]


class EarlyCompiler(HelperCompiler):
    """The pipeline of helpers that are optimised before their entry links them."""

    library = _CreateEarlyLibrary


def _broadcast_compiles(what: event.Event) -> None:
    """Tell listeners of compiled functions alone, not of each pass and lock."""
    if what.kind == "numba:compile":
        for listener in event._registered[what.kind]:
            listener.notify(what)


def _hash_of_options(self: Any) -> int:
    """Hash of the options' names, as numba's own: it sorts a dictionary, and so hashes its keys."""
    kind = type(self)
    if kind not in _HASHES:
        _HASHES[kind] = hash(tuple(sorted(self.options)))
    return _HASHES[kind]


def _same_options(self: TargetConfig, other: object) -> bool:
    """Equality of options, that of the same ones first."""
    if type(self) is type(other) and self._values == other._values:
        return True
    return bool(_EQUAL(self, other))


class _Plainly:
    """Messages without colour."""

    def __getattr__(self, name: str) -> Any:
        return str


_HASHES: dict[type, int] = {}
_EQUAL = TargetConfig.__eq__


@contextmanager
def frugally() -> Iterator[None]:
    """Let numba leave out, while it compiles, what nobody asks for.

    Events of every pass and lock, coloured messages of attempts that fail and are tried otherwise,
    options compared one by one, garbage looked for though a compiler makes little: a fifth of the
    compile time. It is all put back.
    """
    patched: tuple[tuple[Any, str, Any], ...] = (
        (event, "broadcast", _broadcast_compiles),
        (TargetConfig, "__hash__", _hash_of_options),
        (TargetConfig, "__eq__", _same_options),
        (errors, "_termcolor_inst", _Plainly()),
    )
    usual = [getattr(owner, name) for owner, name, _ in patched]
    rarely = gc.get_threshold()
    for owner, name, ours in patched:
        setattr(owner, name, ours)
    gc.set_threshold(100_000, 50, 1000)
    try:
        yield
    finally:
        for (owner, name, _), theirs in zip(patched, usual, strict=True):
            setattr(owner, name, theirs)
        gc.set_threshold(*rarely)
