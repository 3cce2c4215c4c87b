"""How kernels are compiled: Numba's settings, and a cache of what was compiled in which nothing is taken on trust."""

from collections.abc import Callable

from numba import njit
from numba.core.caching import FunctionCache


def compiler(**settings) -> Callable:
    """A decorator that compiles a function to run without the interpreter's lock, IEEE arithmetic and no exceptions.

    `settings` are further ones of Numba's `njit`. What was compiled is kept where Numba keeps it, beside the source or
    in NUMBA_CACHE_DIR.
    """

    def compiled(function: Callable):
        kernel = njit(nogil=True, error_model="numpy", **settings)(function)
        kernel._cache = _MendingCache(function)
        return kernel

    return compiled


class _MendingCache(FunctionCache):
    """A file that was cut off, or is none of Numba's, counts as missing, and one that cannot be written is left out."""

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # damaged bytes raise anything when they are unpickled
            self._forget()
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError:  # no room, or no permission: the kernel is compiled again next time
            self._forget()

    def _forget(self) -> None:
        try:
            self.flush()
        except OSError:
            self.disable()
