"""Clouds of points: read, checked, whitened, and in planes of principal components, with and without their intensity.

The first component often says how strongly a feature is active: its points form a cone, and a loop shows in the
components after it. Dividing all points by their norm takes the intensity out. Source: arXiv 2405.14860, section 4; the
second form is ours.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from novacula.errors import InputError, refuse
from novacula.files import StrPath, read_buffer, read_npy, read_npz, read_safetensors

_LOG = logging.getLogger(__name__)
FEWEST = 20  #: least number of points of a cloud
FAR = 200.0  #: median deviations from the median beyond which a point is an outlier, such as a model's first token
_BEYOND = 10.0  #: the same in units of the deviation that 95 % of the points keep within
_MOST_BYTES = 16_000_000_000
_SAMPLE = 10_000  #: the median of a large cloud is estimated from at least this number of its points
_FLAT = 1e-6  #: a cloud thinner than this part of its length is flat: the rest is the rounding of 32-bit numbers
_ROUNDED = 2.0  #: times the largest spread of rounding alone, beyond which an axis is more than that
_COPIES = ((0.01, 0.8), (1e-6, 0.99))
"""Standard deviations up to which rows are alike, and the share of different ones below which the others are copies.
Copies that were rounded to 16 bits differ by a hundredth; points of a dense curve lie as near by chance."""
_PLACE, _MOST_CELLS = 0.5, 5000
"""Standard deviations up to which a place may reach, and different points up to which they may form a few places."""
AXES = 5  #: most components whose planes are taken
THIN = 0.02
"""Least part of the variance that the lesser axis of a plane must have; below, it is the error of the dictionary."""
Form = Literal["points", "directions"]


@dataclass(frozen=True)
class Cloud:
    """A cloud in coordinates in which its covariance is the identity.

    Independent coordinates are uncorrelated, so in whitened coordinates only rotations are left to try. Neither index
    changes where an axis is stretched.
    """

    white: Float[np.ndarray, "n d"]
    """Whitened points. No other whitened cloud is nearer to the points, so a cloud that is as long as it is wide keeps
    its directions. Where dimensions are dropped, it lies along the principal axes."""
    turn: Float[np.ndarray, "d d"]  #: orthogonal; ``white @ turn.T`` is along the principal axes, the longest first
    axes: Float[np.ndarray, "d columns"]  #: unit principal axes, one a row, in the space of the points
    lengths: Float[np.ndarray, " d"]  #: standard deviations along them
    center: Float[np.ndarray, " columns"]  #: the mean of the points
    kept_variance: float  #: share of the variance along these axes

    @property
    def principal(self) -> Float[np.ndarray, "n d"]:
        """Principal coordinates, in the units of the points."""
        return self.white @ self.turn.T * self.lengths


def read_cloud(path: StrPath, array: str = "points") -> Float[np.ndarray, "n d"]:
    """Reads the cloud in a npz, safetensors, npy or csv file; of the first two, `array` names the array.

    Where the file has one array only, ``points`` is that one, whatever its name.
    """
    source, arrays = os.fspath(path), read_arrays(path)
    if array == "points" and len(arrays) == 1:
        (array,) = arrays
    if array not in arrays:
        named = ", ".join(sorted(arrays)) or "none at all"
        raise InputError(source, f"has no array {array!r}, only {named}; --array names the one to score")
    return check_points(arrays[array], source if len(arrays) == 1 else f"{source}: array {array!r}")


def read_arrays(path: StrPath) -> dict[str, np.ndarray]:
    """Reads all arrays of a npz or safetensors file, or the array of a npy or csv file as ``points``.

    Raises:
        InputError: the file breaks a rule of its format, or is pickled.
    """
    match Path(path).suffix.lower():
        case ".npy":
            return {"points": read_npy(path, max_bytes=_MOST_BYTES)}
        case ".csv":
            return {"points": _read_csv(path)}
        case ".pt" | ".pth" | ".pkl" | ".bin":
            said = "is pickled, which can run any code and is refused; write .npy or .safetensors"
            raise InputError(os.fspath(path), said)
        case suffix:
            read = read_safetensors if suffix == ".safetensors" else read_npz
            return read(path, max_bytes=_MOST_BYTES)


def _read_csv(path: StrPath) -> np.ndarray:
    """Reads numbers with commas between them, one point a line; a first line of names is passed over."""
    source = os.fspath(path)
    lines = read_buffer(path, max_bytes=_MOST_BYTES).decode("utf-8-sig", errors="replace").splitlines()
    rows = [(number, line.split(",")) for number, line in enumerate(lines, 1) if line.strip()]
    names: list[str] = []
    if rows and not any(map(_is_number, rows[0][1])):
        names, rows = rows[0][1], rows[1:]
    points = []
    for number, cells in rows:
        try:
            points.append(_numbers(cells))
        except ValueError as error:
            hint = "; commas stand between numbers" if any(mark in cells[0] for mark in ";\t") else ""
            raise InputError(source, f"line {number} holds something else than numbers: {error}{hint}") from error
        if len(points[-1]) != len(points[0]):
            raise InputError(source, f"line {number} has {len(points[-1])} numbers, and those before {len(points[0])}")
    table = np.array(points, float)
    if names and not names[0].strip('" ') and len(table) and np.array_equal(table[:, 0], np.arange(len(table))):
        raise InputError(
            source, "has a first column without a name that counts the rows: an index, no coordinate; leave it out"
        )
    return table


def _numbers(cells: list[str]) -> list[float]:
    if strange := next((cell for cell in cells if "_" in cell), None):
        raise ValueError(f"could not convert string to float: {strange!r}")  # Python itself would read 1_0
    return [float(cell) for cell in cells]


def _is_number(cell: str) -> bool:
    try:
        return bool(_numbers([cell]))
    except ValueError:
        return False


def check_points(points: np.ndarray, source: str = "points", columns: int | None = None) -> Float[np.ndarray, "n d"]:
    """Returns the points as 64-bit numbers. With `columns`, points of any other width are refused."""
    if points.ndim != 2 or points.dtype.kind not in "biuf":
        raise InputError(
            source, f"has shape {points.shape} of {points.dtype}; a cloud is real numbers, one point a row"
        )
    n, d = points.shape
    problems = []
    if columns is not None and d != columns:
        problems.append(f"has {d} columns; {columns} are needed")
    elif d < 2:
        problems.append(f"has {d} columns; a feature that may be irreducible has at least 2")
    if n < FEWEST:
        problems.append(f"has {n} points; at least {FEWEST} are needed")
    if len(bad := np.flatnonzero((~np.isfinite(points)).any(axis=1))):
        problems.append(f"has NaN or infinite coordinates in {named_rows(bad.tolist())}; remove them")
    elif n and d and (points == points[0]).all():
        problems.append("has only equal points")
    elif FEWEST <= n <= d and (spanned := whiten(points.astype(float), n).white.shape[1]) == n - 1:
        problems.append(f"has {n} points in {spanned} dimensions, as many as {n} points can span; more are needed")
    refuse(problems, source)
    return points.astype(float, copy=False)


def as_points(points: object) -> np.ndarray:
    """Returns an array, a tensor or lists as an array.

    Raises:
        InputError: they are no table of numbers, or some are masked.
    """
    if isinstance(points, np.ma.MaskedArray):
        if hidden := int(np.ma.getmaskarray(points).any(axis=-1).sum()):
            raise InputError("points", f"has {hidden} points with masked coordinates; remove them")
        return points.data
    if "torch" in sys.modules:  # else it is no tensor
        import torch

        if isinstance(points, torch.Tensor):
            try:
                tensor = points.detach().cpu().resolve_conj()
                points = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
            except (RuntimeError, TypeError) as error:  # sparse, quantized, or on the device without numbers
                said = str(error).splitlines()[0]
                raise InputError("points", f"is a tensor that is no array of numbers: {said}") from error
    try:
        return np.asarray(points)
    except ValueError as error:
        raise InputError("points", f"is no table of numbers: {error}") from error


def outlying(points: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " rows"]:
    """Returns the few rows that lie so far out that they would decide mean and covariance by themselves.

    They lie more than `FAR` median deviations from the median of a column, and ten times as far as most points: a
    column that is mostly 0 has hardly any median deviation. If they are more than one in fifty they are a part of the
    cloud.
    """
    size = _size(points)
    some = points[:: max(1, len(points) // _SAMPLE)] / size
    center = np.median(some, axis=0)
    usual, most = np.quantile(np.abs(some - center), (0.5, 0.95), axis=0)
    reach = np.where(usual > 0, np.maximum(FAR * usual, _BEYOND * most), 0)
    # Whole columns are compared only where a point lies outside: that spares a copy of all points.
    outside = (points.max(axis=0) / size - center > reach) | (center - points.min(axis=0) / size > reach)
    columns = np.flatnonzero(outside & (reach > 0))
    rows = np.flatnonzero((np.abs(points[:, columns] / size - center[columns]) > reach[columns]).any(axis=1))
    return rows if len(rows) * 50 <= len(points) else rows[:0]


def without_outliers(
    points: Float[np.ndarray, "n d"], level: int = logging.WARNING
) -> tuple[Float[np.ndarray, "kept d"], tuple[int, ...]]:
    """Returns the points but for those that `outlying` names, and their rows, with a line in the log."""
    rows = outlying(points)
    if not len(rows):
        return points, ()
    kept = np.delete(points, rows, axis=0)
    check_points(kept)
    _LOG.log(level, "left out %s, far from all other points", named_rows(rows.tolist()))
    return kept, tuple(rows.tolist())


def named_rows(rows: Sequence[int]) -> str:
    """Returns the rows in words, the first ten by number."""
    listed = ", ".join(map(str, rows[:10])) + (" …" if len(rows) > 10 else "")
    return f"{len(rows)} point{'s' if len(rows) > 1 else ''} (row {listed}, counted from 0)"


def copied_rows(points: Float[np.ndarray, "n d"], white: Float[np.ndarray, "n k"]) -> Int[np.ndarray, " rows"] | None:
    """Returns a row of each different point if rows are copies, as `_COPIES` says; else None.

    Rows are alike in one cell of a grid; a second grid, half a cell away, joins what a border of the first one parts.
    If they form fewer than `FEWEST` places, small and apart, each place gives one row: seven labels with a little noise
    are seven points. Points of a lattice are no copies: a value of one of its coordinates recurs in other points, too.
    So one column at least must have half as many values as there are different points.
    """
    for near, share in _COPIES:
        rows = np.arange(len(white))
        for shift in (0.0, 0.5):
            rows = rows[np.unique(np.floor(white[rows] / near + shift), axis=0, return_index=True)[1]]
        if len(rows) < share * len(white):
            values = max(len(np.unique(points[rows, column])) for column in range(points.shape[1]))
            if 2 * values < len(rows):
                return None
            return np.sort(rows[_places(white[rows], 6 * near)] if len(rows) <= _MOST_CELLS else rows)
    return None


def _places(points: Float[np.ndarray, "n k"], near: float) -> Int[np.ndarray, " rows"]:
    """Returns a row of each place, which steps up to `near` join, or all rows if the places are many or wide."""
    pairs = KDTree(points).query_pairs(near, output_type="ndarray")
    graph = scipy.sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(len(points), len(points)))
    count, labels = connected_components(graph, directed=False)
    wide = any(np.ptp(points[labels == place], axis=0).max() > _PLACE for place in range(min(count, FEWEST)))
    return np.arange(len(points)) if wide or count >= FEWEST else np.unique(labels, return_index=True)[1]


def _size(points: Float[np.ndarray, "n d"]) -> float:
    """Returns the largest absolute coordinate."""
    return float(max(points.max(), -points.min()))


def _rounding(points: Float[np.ndarray, "n d"], size: float) -> Float[np.ndarray, " d"]:
    """Returns the spread, in units of `size`, of what rounding took from each column of numbers of 16 or 32 bits."""
    some = points[:: max(1, 5 * len(points) // _SAMPLE)]
    parts, exponents = np.frexp(some)
    tried = (8, 11, 24) if np.modf(some)[0].any() else ()  # whole numbers are counts or classes, and exact
    digits = next((digits for digits in tried if not np.modf(np.ldexp(parts, digits))[0].any()), 53)
    return np.sqrt(((np.ldexp(1.0 * (some != 0), exponents - digits) / size) ** 2).mean(axis=0) / 12)


def refuse_constant_columns(points: Float[np.ndarray, "n d"], source: str) -> None:
    """Refuses a constant column: a coordinate that was never measured, or a dead latent."""
    if constant := np.flatnonzero((points == points[0]).all(axis=0)).tolist():
        named = ", ".join(map(str, constant[:10])) + (" …" if len(constant) > 10 else "")
        raise InputError(source, f"is constant in column {named}, counted from 0; remove it")


def whiten(points: Float[np.ndarray, "n d"], most: int = 5, thinnest: float = 0.0) -> Cloud:
    """Returns a checked cloud, stretched along its principal axes until all are equally long.

    Args:
        points: one a row.
        most: number of axes that are kept, the longest ones.
        thinnest: axes shorter than this share of the longest one are dropped, but for the second. Axes in which the
            cloud is flat, or no thicker than the rounding of its numbers, are always dropped.
    """
    size = _size(points)  # divided by it, sums and squares of any finite numbers stay finite
    scaled = points / size
    center = scaled.mean(axis=0)
    scaled -= center
    # The triangle of a QR decomposition has the same axes and values, and is small.
    _, values, axes = np.linalg.svd(np.linalg.qr(scaled, mode="r"), full_matrices=False)
    root, total = np.sqrt(len(points)), (values**2).sum()
    rounding = _ROUNDED * (root + np.sqrt(axes.shape[1])) * np.linalg.norm(axes * _rounding(points, size), axis=1)
    sound = (values > np.maximum(_FLAT * values[0], rounding)) | (values == values[0])
    values, axes = values[sound], axes[sound]
    kept = min(most, len(values), max(2, int((values >= thinnest * values[0]).sum())))
    share = float((values[:kept] ** 2).sum() / total)
    turn = axes if kept == axes.shape[1] else np.eye(kept)
    white = scaled @ ((axes[:kept] / values[:kept, None]).T @ turn) * root
    return Cloud(white, turn, axes[:kept], values[:kept] * (size / root), center * size, share)


@dataclass(frozen=True)
class Plane:
    """Two neighboring principal components."""

    form: Form  #: ``points`` as they are, or their ``directions``, of norm 1
    axes: tuple[int, int]  #: which components, from 1
    coordinates: Float[np.ndarray, "points 2"]  #: the coordinates of every point
    share: float  #: part of all variance in the plane

    @property
    def name(self) -> str:
        """Such as ``directions 1-2``."""
        return f"{self.form} {self.axes[0]}-{self.axes[1]}"

    def directions(self, points: Float[np.ndarray, "points width"]) -> Float[np.ndarray, "2 width"]:
        """Returns the orthonormal directions of the plane, given the points that it was made of."""
        norms = np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12) if self.form == "directions" else 1.0
        cloud = points / norms
        return np.linalg.lstsq((cloud - cloud.mean(0)).astype(np.float64), self.coordinates, rcond=1e-5)[0].T


def planes(points: Float[np.ndarray, "points width"], members: int) -> list[Plane]:
    """Returns all planes of neighboring components that are not thin, in both forms."""
    directions = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    return [*_planes(points, members, "points"), *_planes(directions, members, "directions")]


def _planes(points: Float[np.ndarray, "points width"], members: int, form: Form) -> Iterator[Plane]:
    if len(points) < 3:
        return
    centered = points.astype(np.float64) - points.mean(0)
    # Members span everything; where there are fewer points than numbers in a state, these do.
    if len(centered) < centered.shape[1]:
        left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
        scores, variances = left * sizes, sizes**2
    else:
        variances, axes = np.linalg.eigh(centered.T @ centered)
        variances, axes = np.maximum(variances[::-1], 0), axes[:, ::-1]
        scores = centered @ axes[:, :AXES]
    total = float(variances.sum())
    if total <= 1e-20 * np.square(points, dtype=float).sum():
        return
    for first in range(min(AXES, members, scores.shape[1]) - 1):
        if variances[first + 1] < THIN * total:
            return
        pair = scores[:, first : first + 2]
        signs = np.where(np.abs(pair.min(0)) > pair.max(0), -1.0, 1.0)
        share = float(variances[first : first + 2].sum() / total)
        yield Plane(form, (first + 1, first + 2), np.ascontiguousarray(pair * signs, dtype=np.float64), share)
