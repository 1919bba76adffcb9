from .competition import load_competition as load_competition
from .estimators import KerasClassifier as KerasClassifier
from .estimators import KerasRegressor as KerasRegressor
from .model_selection import CrossFitClassifier as CrossFitClassifier
from .model_selection import CrossFitRegressor as CrossFitRegressor
from .model_selection import PopulationSearchCV as PopulationSearchCV
from .spec import build_pipeline as build_pipeline
from .spec import load_spec as load_spec
from .tracking import load_model as load_model

__version__: str
