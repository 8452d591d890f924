"""The contract type `faces` of pyproject.toml: a domain is entered only by its public modules.

import-linter's own types can forbid modules by name, but not "everything in another domain except
its face", and a list of names would miss the use case that somebody adds tomorrow.
"""

from collections.abc import Iterator
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def within(module: str, package: str) -> bool:
    """Whether a module is the package or lies in it."""
    return module == package or module.startswith(f"{package}.")


class Faces(Contract):
    """Holds `importers` to the modules `faces` of each domain under `domains`.

    A domain knows all of itself. Each entry `ADAPTER -> DOMAIN` of `serves` lets an inbound adapter
    know all of the domain that it serves.
    """

    type_name = "faces"
    importers = fields.ListField(subfield=fields.StringField())
    domains = fields.StringField()
    faces = fields.ListField(subfield=fields.StringField())
    serves = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at each direct import; what is reached through a face is the face's own business."""
        del verbose
        broken = sorted(self.broken(graph))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def broken(self, graph: ImportGraph) -> Iterator[tuple[str, str]]:
        """Yield the pairs (importer, imported) that go past a face."""
        root = f"{self.domains}."
        served = [
            tuple(entry.split(" -> ")) for entry in cast("list[str] | None", self.serves) or []
        ]
        importers = cast("list[str]", self.importers)
        for importer in graph.modules:
            if not any(within(importer, package) for package in importers):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                if not imported.startswith(root):
                    continue
                name, _, inside = imported.removeprefix(root).partition(".")
                domain = root + name
                own = within(importer, domain) or any(
                    within(importer, adapter) and domain == whom for adapter, whom in served
                )
                if not own and inside.partition(".")[0] not in cast("list[str]", self.faces):
                    yield importer, imported

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that goes past a face, and what to do."""
        faces = " or ".join(cast("list[str]", self.faces))
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"- {importer} knows {imported}; it may know {faces}")
