"""How the process was started: the MESHBOX_ environment. Everything else is a setting in the page."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from appliance.settings.schema import Name
from appliance.settings.store import first_document

PREFIX = "MESHBOX_"
REPOSITORY = Path(__file__).resolve().parents[2]
BUILD_VARIABLES = ("MESHBOX_BUILD_CACHE", "MESHBOX_LLAMA_CPP")

Port = Annotated[int, Field(ge=1, le=65535)]


class BadEnvironment(Exception):
    """A MESHBOX_ variable has a value that cannot be; the text names it and says what would be right."""


class Bootstrap(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    data: Path = Field(default=Path("data"), description="folder for the box's state")
    models: Path | None = Field(
        default=None, description="folder for model files; default: models inside the data folder"
    )
    bind: str = Field(default="0.0.0.0", description="address to listen on", pattern=r"^[0-9A-Fa-f.:]+$")  # noqa: S104 - a box serves its LAN
    api_port: Port = Field(default=9337, description="port of the API")
    web_port: Port = Field(default=3131, description="port of the web page")
    mesh_port: Port = Field(default=9338, description="port of the mesh")
    engine: Path = Field(default=REPOSITORY / "build" / "engine", description="folder of the engine's binaries")
    flavor: Literal["cuda", "rocm", "vulkan", "cpu", "arm64"] = Field(
        default="cpu", description="what the engine was built for"
    )
    advertise: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated host[:port] under which other boxes reach this one"
    )
    node_name: Name | None = Field(default=None, description="name of this box")
    admin_password: str | None = Field(default=None, min_length=8, description="claims the box unattended", repr=False)
    admin_password_file: Path | None = Field(default=None, description="file that holds the admin password")
    setup_code: Annotated[str, Field(min_length=6, pattern=r"^[\x21-\x7e]+$")] | None = Field(
        default=None, description="code that claims the box", repr=False
    )
    settings: str | None = Field(
        default=None, description="settings document (JSON, or a file that holds it) applied at first start"
    )
    data_plane: Literal["wire", "asgi"] = Field(
        default="wire", description="web server of the API: wire is the box's own, asgi the one that its page uses"
    )
    log: Literal["console", "json"] = Field(default="console", description="form of the log")
    hf_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = Field(
        default=None, description="mirror of the model hub"
    )

    @field_validator("advertise", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("hf_endpoint")
    @classmethod
    def _names_a_host(cls, value: str | None) -> str | None:
        if value is not None and not urlsplit(value).hostname:  # raises ValueError for one that cannot be read
            raise ValueError("it names no host")
        return value

    @model_validator(mode="after")
    def _ports_differ(self) -> Bootstrap:
        if len({self.api_port, self.web_port}) < 2:
            raise ValueError("MESHBOX_API_PORT and MESHBOX_WEB_PORT are the same; give each its own port")
        return self

    @property
    def models_folder(self) -> Path:
        return self.models or self.data / "models"

    def check(self) -> None:
        """Reads what the variables point to, so that a bad one is named before anything starts."""
        self.password()
        try:
            first_document(self.settings)
        except (OSError, ValueError) as error:
            raise BadEnvironment(f"MESHBOX_SETTINGS: it is not a settings document: {error}") from error

    def password(self) -> str | None:
        """The admin password given for an unattended claim, if any."""
        if self.admin_password is not None:
            return self.admin_password
        if self.admin_password_file is None:
            return None
        try:
            password = self.admin_password_file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadEnvironment(
                f"MESHBOX_ADMIN_PASSWORD_FILE: {self.admin_password_file} cannot be read: {error}"
            ) from error
        if len(password) < 8:
            raise BadEnvironment("MESHBOX_ADMIN_PASSWORD_FILE: the password in it is shorter than 8 characters")
        return password


def read_environment() -> Bootstrap:
    try:
        return Bootstrap()
    except ValidationError as error:
        raise BadEnvironment("\n".join(_explain(e) for e in error.errors(include_url=False))) from error


def _explain(error: Mapping[str, object]) -> str:
    location = error.get("loc")
    name = str(location[0]) if isinstance(location, tuple) and location else ""
    if name not in Bootstrap.model_fields:
        return str(error.get("msg")).removeprefix("Value error, ")
    given = "" if "password" in name or "code" in name else f" (it is {error.get('input')!r})"
    meaning = Bootstrap.model_fields[name].description
    return f"{PREFIX}{name.upper()}{given}: {error.get('msg')}. It is the {meaning}."


def variable_of(name: str) -> str:
    """The variable that fixes a setting, by its dotted name."""
    return PREFIX + name.upper().replace(".", "_")


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A warning for each MESHBOX_ variable that means nothing: usually a slip of the keyboard."""
    known = [*(PREFIX + name.upper() for name in Bootstrap.model_fields), *BUILD_VARIABLES]
    warnings = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            warnings.append(f"{name} means nothing to Meshbox" + (f"; did you mean {near[0]}?" if near else ""))
    return warnings
