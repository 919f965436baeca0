"""The checker behind the import hook of conftest.py."""

from beartype import BeartypeConf, beartype

# As in PEP 484 and the static checker, an int is welcome where a float is asked for.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
