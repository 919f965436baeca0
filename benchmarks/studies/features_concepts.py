"""Does the probe's rule hold for lists that were not used when its limits were chosen?

    python benchmarks/studies/features_concepts.py [--model smollm2] [--json PATH]

The lists and the wordings were written down before any of them was probed. A list without a cycle that is called a
circle is a false alarm, at however many layers. A cycle that is not called one is no error of the probe's: the model
may not keep it as a circle.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

import torch
from features_circles import probed
from harness import arguments, save

from novacula.features.concepts import Concept, Kind, Template
from novacula.features.models import load_model

TEMPLATES = tuple(
    Template(text)
    for text in (
        "The word is {label}",
        "I wrote down {label}",
        "The next entry of the list is {label}",
        "She asked me about {label}",
        "Here is a page about {label}",
        "What he said was {label}",
        "The label on the box reads {label}",
        "Please look up {label}",
    )
)
LISTS: dict[Kind, dict[str, str]] = {
    "ordered": {
        "tens": "ten twenty thirty forty fifty sixty seventy eighty ninety",
        "even numbers": "two four six eight ten twelve fourteen sixteen eighteen",
        "decades": "twenties thirties forties fifties sixties seventies eighties nineties",
        "centuries": "twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
        "roman numerals": "I II III IV V VI VII VIII IX X",
        "greek letters": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu",
        "spelling": "Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliet Kilo Lima",
        "military ranks": "private corporal sergeant lieutenant captain major colonel general",
        "units of time": "second minute hour day week month year decade century",
        "how often": "never seldom rarely sometimes often usually always",
        "how warm": "freezing cold cool mild warm hot boiling",
        "how large": "microscopic tiny small medium large huge gigantic",
        "ages of life": "newborn infant toddler child teenager adult pensioner",
        "polygons": "triangle square pentagon hexagon heptagon octagon nonagon decagon",
        "books": "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings",
        "presidents": "Washington Adams Jefferson Madison Monroe Jackson Lincoln Grant Roosevelt Wilson Truman",
        "elements": "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon",
        "periods": "Cambrian Ordovician Silurian Devonian Carboniferous Permian Triassic Jurassic Cretaceous",
        "rooms": "cellar kitchen hall bedroom attic roof chimney",
    },
    "control": {
        "fruits": "apple banana cherry grape lemon mango orange peach",
        "cities": "Paris London Rome Tokyo Madrid Cairo Moscow Berlin Sydney",
        "instruments": "piano violin guitar flute drum trumpet harp cello",
        "sports": "tennis football hockey golf rugby boxing rowing skiing",
    },
    "cyclic": {
        "zodiac": "Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces",
        "chinese zodiac": "rat ox tiger rabbit dragon snake horse goat monkey rooster dog pig",
        "parts of the day": "dawn morning noon afternoon evening night midnight",
        "short weekdays": "Mon Tue Wed Thu Fri Sat Sun",
        "short months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "french weekdays": "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "spanish weekdays": "lunes martes miércoles jueves viernes sábado domingo",
        "german months": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "french months": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    },
}


def main() -> None:
    """Probe every list at all layers and print a line for each."""
    options = arguments(__doc__, model="smollm2")
    torch.set_num_threads(1)
    concepts = [
        Concept(name, tuple(labels.split()), TEMPLATES, kind)
        for kind, lists in LISTS.items()
        for name, labels in lists.items()
    ]
    rows = probed(load_model(options.model), concepts)
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
