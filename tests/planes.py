"""The data planes of the API, by name: what is tested and measured on one is tested and measured on each."""

from __future__ import annotations

from appliance.main import API_SERVERS
from appliance.settings.bootstrap import Bootstrap

PLANES = API_SERVERS
DEFAULT_PLANE: str = Bootstrap.model_fields["data_plane"].default
