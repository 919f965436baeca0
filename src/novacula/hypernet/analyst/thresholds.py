"""Every threshold of the analyst: from where on a measured number counts.

They are ours, from measured networks: `benchmarks/hypernet_classifier.py` prints how often the labels are right, and
`benchmarks/hypernet_formula.py` what the formulas are worth.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Shares are between 0 and 1 unless the sentence says otherwise."""

    # The state of a unit.
    largest: float = 1e30  #: the weight beyond which nothing is measured, because squares could be infinite
    dead: float = 0.02
    """The strength of a dead unit, as a share of the strongest; a share of the total would depend on their number."""
    linear: float = 0.1  #: the bend of a linear unit, as a share of its strength; a rectifier has 0.52
    overlooked: float = 0.02  #: the bend of a linear unit, as a share of the standard deviation of what the layer adds
    many: int = 32
    """Units from which on that share falls with the root of their number, because small curvatures add up."""
    spike: float = 0.5  #: the share of its owner in a spike's row
    off_center: float = 0.5  #: how far from 0, in standard deviations of the input, the kink of a spike may lie

    # What a unit looks at.
    total: float = 0.7  #: the share of a row that the sum of all inputs explains where the unit looks at that sum
    pair: float = 0.7  #: the share of a row that its two largest weights hold where the unit looks at two inputs
    second: float = 0.5  #: the second largest weight of such a row, as a share of the largest
    entry: float = 0.5  #: the share of a row that its largest weight holds where the unit looks at one input
    raised: float = 0.5
    """What a background leaves of a row, as a share of what is left without it, where the background is read."""
    fits: float = 0.8
    """The share of a row that its direction explains where the row counts as an example of it in a label."""
    on_background: float = 0.95  #: the same for rows with a background, of which chance makes more
    same_line: float = 0.99
    """The cosine of two units' planes from which their bends are added before anything is counted."""

    # Order parameters.
    least_slope: float = 0.4  #: the least slope of a covered input, as a multiple of the median
    greatest_slope: float = 1.7  #: the greatest slope of a covered input, as a multiple of the median
    one_sided: float = 0.5
    """The difference of an input's two slopes, as a share of their sum, from which the input is one-sided."""

    # Any label.
    constant: float = 1e-3  #: the spread of a constant function, as a share of its own size and of the task's spread
    straight: float = 0.99  #: R² of the best linear function from which a function is linear
    broken: float = 0.9  #: R² below which a network that has the structure of an algorithm is broken
    broken_bowl: float = 0.1  #: the same for bowls, which are never exact
    convex: float = 0.05  #: the share of negative second differences up to which a function is convex
    round: float = 1.4  #: the anisotropy of kinks up to which a function is round; the L1 norm has about 5
    kinkless: float = 0.5
    """The anisotropy below which a function is not round either: it has fewer kinks at 0 than elsewhere."""
    pure: float = 0.9  #: sign purity of the units of a bowl
    even: float = 0.6  #: evenness of the units of a bowl

    # Labels of the L1 norm.
    few: int = 8
    """Fewer inputs than this, and random rows may look like spikes: the function decides unless rows are evident."""
    evident: float = 0.9  #: rescaled spikiness from which rows are on the axes, however few the inputs are
    covered: float = 0.9  #: coverage, or share of inputs with a kink, of a network that has all its spikes
    partly: float = 0.2  #: the same of a network that has some of them
    spiked: float = 0.4  #: rescaled spikiness from which rows are spikes
    random: float = 0.2  #: rescaled spikiness up to which rows are random
    balanced: float = 0.5
    """The imbalance of an exact solution, and the slope of the function that it shows, over the height of its kinks."""
    dough: float = 0.8  #: the same imbalance for puddings, of which some dough of the right sign is asked
    pudding: float = 0.6  #: sidedness from which a network is a pudding
    double_sided: float = 0.15  #: sidedness squared up to which a network is double-sided
    uniform: float = 0.8
    """The square of the mean side over the mean square of sides, from which all inputs show the same side."""
    independent: float = 0.55  #: independence of the rows of a bowl that nobody arranged
    sharp: float = 0.75  #: the kink at one standard deviation over that at two, from which the function has a kink at 0
    sharp_of_few: float = 0.85  #: the same for few inputs: weights on other inputs blur a kink
    smooth: float = 0.65  #: the same below which the function has no kinks
    fits_norm: float = 0.1  #: R² of a bowl that stands for the norm
    side: float = 0.25  #: how far the side that the function shows may be from the one that the weights predict

    # Labels of other tasks.
    most: float = 0.8  #: the share of all bend that makes a pattern the network's
    some: float = 0.5  #: the share of all bend that makes a network partly of a pattern
    part: float = 0.25  #: the share of all bend that each part of a completed square has
    alone: float = 0.99  #: separability from which a function is a sum over its inputs
    nearly: float = 0.9  #: the same for functions of the sum of the inputs, and for sums over pairs
    like_task: float = 0.3  #: R² after the best scale and offset from which a function is like the task's
    kinked: float = 0.7  #: kink sharpness below which a sum of squares is smooth

    symmetric: float = 0.02
    """The root mean square, as a share of the outputs' spread, up to which a change of the inputs changes nothing."""

    # Formulas.
    rise: float = 1.1  #: the squared error that a formula may have on the task, as a multiple of the network's
    faithful: float = 0.9  #: R² that an accepted formula reaches as a description of its network, on many inputs
    half: float = 0.5  #: R² as a description of its network, below which a formula is not shown
    most_cancel: float = 20.0
    """The size of a formula's largest term, in units of the output's, beyond which terms cancel and none is shown."""
    follows: float = 0.95  #: the same on the inputs that it is fitted to, for the first form that does
    loose: float = 0.05  #: the share of all strength in units without a direction, from which a network has no roles
    one_sign: float = 0.9  #: the sum of what units add over that of its magnitudes, from which random rows make a bowl
    limit: float = 0.98  #: R² of a limit as a description of the formula
    simple: float = 0.08
    """How far a value may be from a simple number, relative to the largest of its kind, to be taken for it."""
    same_value: float = 0.2  #: the largest gap between values that one role stands for, as a share of the largest value
    same_kink: float = 0.25  #: the largest gap between the kinks of one role, in units of the inputs
    minor: float = 0.03  #: the share of all strength below which a role may be left out
    plane: float = 0.01  #: the bend of a role, as a share of the output's standard deviation, below which it is linear
    most_roles: int = 8  #: roles of a formula: with more, nobody would read it
    quarter: float = 0.1  #: how far a weight of a deep network may be from a multiple of 1/4
    most_atoms: int = 60  #: terms of a sum in a deep network: with more, nobody would read it
    most_nodes: int = 400
    """Inputs, kinks, and largest or least ones in the formula of a deep network: with more, nobody would read it."""


THRESHOLDS = Thresholds()  #: the thresholds that the analyst uses
