"""A model with eyes: paired with its projector, told to clients, asked about pictures through the official client."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator

import openai
import pytest

from tests.live.box import ROOT, Box, request
from tests.pictures import BLUE, GREEN, RED, png

pytestmark = pytest.mark.live

FIXTURES = ROOT / "tests" / "fixtures" / "models"
MODEL = "mesh-tiny-second-Q8_0"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    for name in (MODEL, "mmproj-mesh-tiny-second-F16"):
        shutil.copyfile(FIXTURES / f"{name}.gguf", folder / "models" / f"{name}.gguf")
    with Box(folder, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [MODEL]}})) as one:
        one.wait_ready(MODEL)
        yield one


@pytest.mark.parametrize(
    ("colour", "shape", "said"),
    [(RED, "square", "red square"), (GREEN, "circle", "green circle"), (BLUE, "square", "blue square")],
)
def test_it_says_what_is_in_a_picture(box: Box, colour: tuple[int, int, int], shape: str, said: str) -> None:
    """The colour and the shape are right."""
    picture = base64.b64encode(png(colour, shape)).decode()
    with openai.OpenAI(base_url=box.api_url + "/v1", api_key="none") as client:
        answer = client.chat.completions.create(
            model=MODEL,
            temperature=0,
            max_tokens=24,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
                        {"type": "text", "text": "What is in the picture?"},
                    ],
                }
            ],
        )
    assert said in (answer.choices[0].message.content or "").lower()


def test_clients_are_told_that_it_sees(box: Box) -> None:
    """Before they send a picture."""
    entry = request("GET", f"{box.api_url}/v1/models/{MODEL}").json
    assert entry["meshbox"]["modalities"] == ["text", "image"]


def test_the_projector_is_no_model_of_its_own(box: Box) -> None:
    """It is listed nowhere as something to load."""
    assert [model["id"] for model in box.manage("GET", "/api/models").json["models"] if "mmproj" in model["id"]] == []
