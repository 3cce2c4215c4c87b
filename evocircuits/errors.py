"""The one exception a user's mistake raises: a single line saying what was expected, what came, what to do."""


class InputError(ValueError):
    """A request that cannot be carried out as given; its text is one clear line fit to be shown to the user."""
