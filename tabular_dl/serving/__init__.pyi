from .http_app import make_app as make_app
from .request_rows import RequestError as RequestError
