"""The sides of the comparisons. Each module is imported only in the environment of its side."""


class Measured(dict[str, float]):
    """Figures that a call measured itself; the parent process receives them."""
