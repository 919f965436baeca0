"""Language models as they are, from this machine, with thin hooks at named points."""

from novacula.features.models.hooks import Anatomy, Edit, Point, Site, Write, tapped
from novacula.features.models.language_model import LanguageModel
from novacula.features.models.load import (
    SMOLLM2,
    cache_folder,
    converted,
    find_model,
    find_smollm2,
    load_model,
    save_model,
)
