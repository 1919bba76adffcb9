from .draft import Draft as Draft
from .from_files import Tables as Tables
from .from_files import draft_from_files as draft_from_files
from .from_files import name_of as name_of
