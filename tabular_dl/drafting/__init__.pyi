from .draft import Draft as Draft
from .efforts import with_effort as with_effort
from .from_files import Tables as Tables
from .from_files import draft_from_files as draft_from_files
from .from_files import name_of as name_of
from .network_defaults import EFFORTS as EFFORTS
from .network_defaults import Effort as Effort
from .network_defaults import check_effort as check_effort
