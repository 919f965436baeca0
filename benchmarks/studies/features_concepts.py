"""Does the probe's rule hold for lists that were not used when its limits were chosen?

    python benchmarks/studies/features_concepts.py [--model smollm2] [--json PATH]

Lists and wordings were written down before any of them was probed. R² took the place of a median error after `SEEN` had
been probed in Gemma, and lone layers were told apart after it had been probed in both models. Then `HELD_OUT` was.

A list without a cycle that is called a circle is a false alarm, at however many layers. A cycle that is not called one
is no error of the probe's: the model may not keep it as a circle.
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
KEPT = (
    "layer",
    "circle",
    "p_value",
    "order_correct",
    "turn",
    "closing",
    "gap",
    "growth",
    "median_angle_error_deg",
    "r2_held_out",
)
SEEN: dict[Kind, dict[str, str]] = {
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
HELD_OUT: dict[Kind, dict[str, str]] = {
    "ordered": {
        "odd numbers": "one three five seven nine eleven thirteen fifteen seventeen",
        "fractions": "half third quarter fifth sixth seventh eighth ninth tenth",
        "metric prefixes": "nano micro milli centi deci kilo mega giga tera",
        "units of length": "inch foot yard rod furlong mile league",
        "nobility": "baron viscount earl marquess duke prince king emperor",
        "wind": "calm breeze wind gale storm hurricane tornado",
        "probability": "impossible improbable unlikely possible likely probable certain",
        "quality": "terrible bad poor fair good great excellent perfect",
        "loudness": "silent whispering quiet audible loud noisy deafening",
        "speed": "crawl walk jog run sprint gallop fly",
        "water": "drop puddle brook stream river lake sea ocean",
        "settlements": "hut hamlet village town city metropolis country continent",
        "metals by weight": "lithium aluminum titanium iron copper silver lead gold",
        "the body": "head neck shoulder chest waist hip knee ankle foot",
        "testament": "Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians",
        "memory": "bit byte kilobyte megabyte gigabyte terabyte petabyte",
        "taxonomy": "species genus family order class phylum kingdom",
    },
    "control": {
        "sins": "pride greed lust envy gluttony wrath sloth",
        "birds": "robin crow owl eagle duck swan sparrow pigeon",
        "tools": "hammer saw drill wrench pliers chisel screwdriver axe",
        "vegetables": "carrot potato onion tomato pepper cabbage bean celery",
    },
    "cyclic": {
        "german weekdays": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "italian weekdays": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "spanish months": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "italian months": "gennaio febbraio marzo aprile maggio giugno luglio agosto "
        "settembre ottobre novembre dicembre",
    },
}


def main() -> None:
    """Probe every list at all layers and print a line for each."""
    options = arguments(__doc__, model="smollm2")
    torch.set_num_threads(1)
    model = load_model(options.model)
    found = {}
    for name, lists in (("seen", SEEN), ("held_out", HELD_OUT)):
        concepts = [
            Concept(concept, tuple(labels.split()), TEMPLATES, kind)
            for kind, members in lists.items()
            for concept, labels in members.items()
        ]
        print(name)
        found[name] = [
            {
                **{key: row[key] for key in ("concept", "kind", "alike", "circle_layers")},
                "layers": [{key: layer[key] for key in KEPT} for layer in row["layers"]],
            }
            for row in probed(model, concepts)
        ]
    save(options.json, **found)


if __name__ == "__main__":
    main()
