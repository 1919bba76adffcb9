from .finding import LEVELS as LEVELS
from .finding import Finding as Finding
from .ranks import sample_size as sample_size
from .run import find_errors as find_errors
from .run import run_checks as run_checks
