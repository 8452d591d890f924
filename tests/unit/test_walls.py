"""Who may know whom: the import contracts of pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.walls import Faces

ROOT = Path(__file__).parents[2]


def test_every_wall_stands() -> None:
    """All import contracts hold in the tree as it is."""
    linter = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(linter, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("house.domains.ai.speech", "house.domains.ai.model", True),
        ("house.domains.ai.speech", "house.domains.meeting.api", True),
        ("house.domains.ai.speech", "house.domains.meeting.events", True),
        ("house.domains.ai.speech", "house.domains.meeting.model", False),
        ("house.domains.ai.speech", "house.domains.meeting", False),
        ("house.domains.ai.speech", "house.domains.meeting.api_of_none", False),
        ("house.transports.http.ai", "house.domains.ai.speech", True),
        ("house.transports.http.ai", "house.domains.meeting.lifecycle", False),
        ("house.app.run", "house.domains.meeting.lifecycle", True),
        ("house.domains.ai.speech", "house.kernel.ids", True),
    ],
)
def test_a_domain_is_entered_by_its_face(importer: str, imported: str, *, kept: bool) -> None:
    """Only api and events of another domain may be imported; an adapter knows what it serves."""
    graph = grimp.ImportGraph()
    graph.add_import(importer=importer, imported=imported)
    faces = Faces(
        name="faces",
        session_options={"root_packages": ["house"]},
        contract_options={
            "importers": ["house.domains", "house.transports"],
            "domains": "house.domains",
            "faces": ["api", "events"],
            "serves": ["house.transports.http.ai -> house.domains.ai"],
        },
    )
    assert faces.check(graph, verbose=False).kept is kept
