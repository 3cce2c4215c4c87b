"""JSON as strict as a stranger's file asks for: no field twice, finite numbers, whole characters, few levels."""

import json
import math

from evocircuits.errors import InputError


def loads(data: bytes):
    """What JSON says. Raises `InputError` where it is none, or not strict."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        if "\\ud" in text or "\\uD" in text:  # perhaps half a surrogate, which no database nor terminal takes
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except RecursionError:
        raise InputError("JSON nested too deeply") from None
    except ValueError as error:  # InputError among them, and UnicodeDecodeError
        raise InputError(" ".join(str(error).split())[:200]) from None


def _object(pairs: list[tuple]) -> dict:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise InputError("a field came twice")
    return content


def _constant(name: str):
    raise InputError(f"expected finite numbers; got {name}")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"expected finite numbers; got {text[:20]}")
    return value
