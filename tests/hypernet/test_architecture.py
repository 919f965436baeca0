import pytest

from novacula.errors import InputError
from novacula.hypernet.architecture import Architecture


def test_counts_the_parameters_of_the_published_network() -> None:
    assert Architecture((16, 48, 1)).parameters == 865


def test_counts_what_the_switches_add_and_take() -> None:
    assert Architecture((3, 5, 5, 2), biases=False, output_bias=False, bypass=True).parameters == 15 + 25 + 10 + 6


def test_only_hidden_layers_as_wide_as_the_one_below_add_it() -> None:
    architecture = Architecture((4, 4, 4, 5, 4), residual=True)

    assert [architecture.adds_input(layer) for layer in range(4)] == [False, True, False, False]


def test_lists_every_problem() -> None:
    with pytest.raises(InputError, match=r"size 0 is 0.*size 1 is -3"):
        Architecture((0, -3, 1))
    with pytest.raises(InputError, match="1 layer sizes"):
        Architecture((4,))
