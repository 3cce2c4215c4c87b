"""The one exception a user's mistake raises: a single line saying what was expected, what came, what to do."""


class InputError(ValueError):
    """A request that cannot be carried out as given; its text is one clear line fit to be shown to the user.

    >>> import evocircuits as ec
    >>> try:
    ...     ec.Spikes(time_ms=[-1.0], trial=[0], channel=[0])
    ... except ec.InputError as error:
    ...     print(error)
    Spikes.time_ms: expected finite numbers ≥ 0; got -1.0
    """
