"""Integer coordinates for points that lie, up to noise, on a lattice.

The lattice of a cloud is the one that the differences of its points generate. Short differences that are alike are
averaged, and a reduced basis is made of them. Points that do not fit add their own differences, and least squares over
all points refines the basis. It is kept only if the points lie nearer to the lattice than chance would have it.
Source: arXiv 2402.05110 for the idea of a lattice of states; the method is ours.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.networks.network import Network
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.states.lll import reduced_basis
from novacula.distill.states.reading import Code

_POINTS = 200
_DIFFERENCES = 2000
_CANDIDATES = 64
_NEAR = 0.15
"""The largest root mean square distance from the lattice, per coordinate of a reduced basis, that counts as on it."""
_GAP = 2.2  #: a lattice's shortest vector must be this many times as long as what counts as zero


@dataclass(frozen=True)
class Lattice(Code):
    """Points that are integer rows times the basis, plus an offset."""

    basis: Float[np.ndarray, "codes size"]  #: a reduced basis, one vector in each row
    offset: Float[np.ndarray, " size"]  #: a point of the lattice
    noise: float  #: root mean square distance of the points from the lattice, per coordinate of the space

    def encode(self, states: Float[np.ndarray, "rows size"]) -> Int[np.ndarray, "rows codes"]:
        """Returns the integer coordinates of the nearest lattice points, by rounding."""
        return np.rint((states - self.offset) @ np.linalg.pinv(self.basis)).astype(np.int64)

    def decode(self, codes: Int[np.ndarray, "rows codes"]) -> Float[np.ndarray, "rows size"]:
        """Returns the lattice points."""
        return codes @ self.basis + self.offset


def lattice_of(vectors: Float[np.ndarray, "vectors size"]) -> Float[np.ndarray, "rank size"] | None:
    """Returns a reduced basis of the lattice that a few nearly exact vectors generate; None if they generate none.

    The tolerance is the smallest that leaves a gap between what is zero and what is not.
    """
    vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")]
    largest = np.linalg.norm(vectors, axis=1).max(initial=0)
    for zero in largest * np.logspace(-9, -2, 15):
        basis = np.zeros((0, vectors.shape[1]))
        for vector in vectors:
            rest = vector - _rounded(vector[None], basis)[0] @ basis
            if np.linalg.norm(rest) > zero:
                basis = reduced_basis(np.vstack([basis, rest]), zero)
        if len(basis) and np.linalg.norm(basis, axis=1).min() > _GAP * zero:
            return basis
    return None


def lattice_of_inputs(network: Network) -> Float[np.ndarray, "rank size"] | None:
    """Returns a reduced basis of a lattice that holds the states of a network whose f is affine, or None.

    What an input puts into the state, and what becomes of it, R^k X, generate the lattice; where these do not fill the
    space, the constants of f are added.
    """
    transition, injected = np.split(network.f[0].weight, [network.size], axis=1)
    basis = None
    for seeds in (injected, np.column_stack([injected, network.f[0].bias])):
        vectors = [seeds]
        for _ in range(2 * network.size):
            vectors.append(transition @ vectors[-1])
        basis = lattice_of(np.concatenate(vectors, axis=1).T)
        if basis is not None and len(basis) == network.size:
            break
    return basis


def lattice_of_states(
    network: RecurrentNetwork, states: Float[np.ndarray, "rows size"], generator: np.random.Generator
) -> Lattice | None:
    """Returns the lattice of a network's states, with the start as origin and codes that are mostly positive.

    Args:
        network: where they come from; if its f is affine, its weights say which lattice it is.
        states: on data, the first of them the start.
        generator: draws the states that are used if the weights do not say.
    """
    if isinstance(network, Network) and len(network.f) == 1:
        basis = lattice_of_inputs(network)
        if basis is None or len(basis) < network.size:
            return None
        exact = states @ np.linalg.inv(basis)
        if not np.abs(exact - np.rint(exact)).max() <= 2 * _NEAR:
            return None
        rest = states - np.rint(exact) @ basis
        lattice = Lattice(basis, np.zeros(network.size), float(np.sqrt((rest**2).mean())))
    elif (lattice := find_lattice(states, generator)) is None:
        return None
    signs = np.where(lattice.encode(states).sum(0) < 0, -1.0, 1.0)
    return replace(lattice, basis=lattice.basis * signs[:, None])


def find_lattice(points: Float[np.ndarray, "points size"], generator: np.random.Generator) -> Lattice | None:
    """Returns the lattice that points lie on, with the first point as origin; None if there is none.

    Args:
        points: states, with noise; any number of them may lie on the same lattice point.
        generator: draws the points whose differences are used.
    """
    chosen = _distinct(points, generator)
    differences = (chosen[:, None] - chosen[None])[np.triu_indices(len(chosen), 1)]
    lengths = np.linalg.norm(differences, axis=1)
    spread = lengths.max(initial=0)
    if spread == 0:
        return None
    for zero in spread * np.logspace(-6, -0.6, 40):
        if (lattice := _with_tolerance(points, differences, lengths, zero)) is not None:
            return lattice
    return None


def _distinct(points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Some of the points, in random order, without repetitions up to rounding errors."""
    grain = 1e-6 * max(float(np.ptp(points, axis=0).max()), 1e-300)
    first = np.unique(np.rint(points / grain), axis=0, return_index=True)[1]
    return points[generator.permutation(first)[:_POINTS]]


def _with_tolerance(points: np.ndarray, differences: np.ndarray, lengths: np.ndarray, zero: float) -> Lattice | None:
    """The lattice where differences up to `zero` are taken for noise."""
    basis = np.zeros((0, points.shape[1]))
    for vector in _averaged(differences, lengths, zero):
        rest = vector - _rounded(vector[None], basis)[0] @ basis
        if np.linalg.norm(rest) > zero:
            basis = reduced_basis(np.vstack([basis, rest]), zero)
            if np.linalg.norm(basis, axis=1).min(initial=np.inf) < _GAP * zero:
                return None
    # Least squares would bend a basis that misses vectors: first every point adds what it shows.
    for _ in range(4 * points.shape[1] + 8):
        rest = points - points[0]
        rest = rest - _rounded(rest, basis) @ basis
        rest = rest[np.linalg.norm(rest, axis=1) > 2 * zero]
        if not len(rest):
            break
        basis = reduced_basis(np.vstack([basis, _most_frequent(rest, zero)]), zero)
    else:
        return None
    fitted = _fitted(points, basis)
    return fitted if _convincing(points, fitted, zero) else None


def _averaged(differences: np.ndarray, lengths: np.ndarray, zero: float) -> np.ndarray:
    """Short differences that are not noise, the shortest first; those of a vector, or its opposite, are averaged."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], zero, side="right") :][:_DIFFERENCES]
    rest, found = differences[order], []
    while len(rest) and len(found) < 8 * rest.shape[1] + 16:
        first = rest[0]
        signs = np.where(rest @ first < 0, -1.0, 1.0)
        alike = np.linalg.norm(signs[:, None] * rest - first, axis=1) <= 2 * zero
        found.append((signs[alike, None] * rest[alike]).mean(0))
        rest = rest[~alike]
    return np.array(found).reshape(len(found), differences.shape[1])


def _most_frequent(rest: np.ndarray, zero: float) -> np.ndarray:
    """The mean of the largest group of vectors that are alike, or opposite."""
    first = rest[:_CANDIDATES]
    signs = np.where(rest @ first.T < 0, -1.0, 1.0)
    alike = np.linalg.norm(signs[:, :, None] * rest[:, None] - first[None], axis=2) <= 2 * zero
    best = int(alike.sum(0).argmax())
    return (signs[alike[:, best], best, None] * rest[alike[:, best]]).mean(0)


def _fitted(points: np.ndarray, basis: np.ndarray) -> Lattice:
    """Basis and offset by least squares, for the integer coordinates in the given basis; reduced again."""
    offset = points[0]
    for _ in range(3):
        codes = _rounded(points - offset, basis)
        design = np.column_stack([codes, np.ones(len(codes))])
        solution, _, rank, _ = np.linalg.lstsq(design, points, rcond=None)
        if rank < design.shape[1]:
            break
        basis, offset = solution[:-1], solution[-1]
    basis = reduced_basis(basis)
    first = _rounded(points[:1] - offset, basis)[0]
    noise = points - offset - _rounded(points - offset, basis) @ basis
    return Lattice(basis, offset + first @ basis, float(np.sqrt((noise**2).mean())))


def _convincing(points: np.ndarray, lattice: Lattice, zero: float) -> bool:
    """Whether this many points would hardly lie this near to a lattice by chance."""
    exact = (points - lattice.offset) @ np.linalg.pinv(lattice.basis)
    codes = np.rint(exact)
    distinct = len(np.unique(codes, axis=0))
    near = np.sqrt(((exact - codes) ** 2).mean()) <= _NEAR
    shortest = np.linalg.norm(lattice.basis, axis=1).min()
    return bool(near and shortest > _GAP * zero and distinct >= len(lattice.basis) + 2)


def _rounded(vectors: np.ndarray, basis: np.ndarray) -> np.ndarray:
    return np.rint(vectors @ np.linalg.pinv(basis)) if len(basis) else np.zeros((len(vectors), 0))
