"""The one error that may pass by itself."""


class CatalogueUnreachable(ValueError):
    """A catalogue does not answer, or not with what it should, after every retry. The message names the address and what came of it."""

    def __str__(self) -> str:
        return f"the catalogue could not be read: {super().__str__()}; try again later, and check the address"
