from .circles.continuity import Continuity as Continuity, continuity as continuity
from .circles.explanation import Patching as Patching, patch as patch
from .circles.probe import (
    CircularProbe as CircularProbe,
    Readout as Readout,
    fit_answer_probe as fit_answer_probe,
    fit_probe as fit_probe,
    unseen_groups as unseen_groups,
    unseen_labels as unseen_labels,
)
from .circles.explanation import (
    explain_states as explain_states,
    prompt_functions as prompt_functions,
    regress as regress,
)
from .circles.test import CircleTest as CircleTest, circle_test as circle_test, is_circle as is_circle
from .clouds.cloud_score import CloudScore as CloudScore, score_cloud as score_cloud, score_plane as score_plane
from .clouds.geometry import (
    gromov_hyperbolicity as gromov_hyperbolicity,
    hyperbolicity as hyperbolicity,
    Shape as Shape,
    shape_of as shape_of,
    two_nn_dimension as two_nn_dimension,
)
from .collect import collect as collect
from .concepts import CONCEPTS as CONCEPTS, Concept as Concept, Template as Template, find_concept as find_concept
from .config import (
    CollectConfig as CollectConfig,
    DiscoverConfig as DiscoverConfig,
    ExplainConfig as ExplainConfig,
    OpenConfig as OpenConfig,
    ProbeConfig as ProbeConfig,
    ScoreConfig as ScoreConfig,
    SteerConfig as SteerConfig,
    SurveyConfig as SurveyConfig,
    TrainSaeConfig as TrainSaeConfig,
)
from .discover import DiscoverSource as DiscoverSource, discover as discover
from .discovery.slices import CodeMatrix as CodeMatrix, Slice as Slice
from .explain import explain as explain
from .models import (
    Edit as Edit,
    LanguageModel as LanguageModel,
    Point as Point,
    find_smollm2 as find_smollm2,
    load_model as load_model,
)
from .open import open_feature as open_feature
from .probe import CircleEvidence as CircleEvidence, probe as probe, probe_states as probe_states
from .sae import SparseAutoencoder as SparseAutoencoder, read_sae as read_sae, write_sae as write_sae
from .score import score as score
from .steer import steer as steer
from .store import Store as Store
from .survey import survey as survey
from .train_sae import train_sae as train_sae
