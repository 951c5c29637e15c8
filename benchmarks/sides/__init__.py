"""The sides of the comparisons: each module is imported in the environment of its side alone."""


class Measured(dict[str, float]):
    """Figures that a call measured itself; the parent process receives them."""
