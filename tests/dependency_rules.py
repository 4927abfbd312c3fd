"""The arrows of the architecture as functions: sources in, sentences about violations out.

Sources are a mapping of dotted module name to text, so that the tests can also feed made-up violations.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("telemed", "consultations", "media_routing")
Sources = Mapping[str, str]

# Rule 1. Pure modules: the standard library and each other; no clock, no global randomness, no files, no sockets.
SANS_IO = (
    "media_routing.policy",
    "media_routing.rtp",
    "media_routing.sfu",
    "media_routing.sdp",
    "media_routing.turn",
    "media_routing.sframe",
    "consultations.rooms.lifecycle",
    "consultations.rooms.protocol",
    "consultations.rooms.signaling",
    "consultations.rooms.capture",
    "consultations.rooms.story.facts",
    "consultations.rooms.story.timeline",
    "consultations.recordings.lifecycle",
    "consultations.appointments.lifecycle",
)
PURE = (*SANS_IO, "telemed.lib")
WORLD = {
    *("asyncio", "concurrent", "multiprocessing", "os", "pathlib", "io", "random", "secrets", "select", "selectors"),
    *("shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"),
}

# Rules 2 to 4. What a part may import; nothing points back.
ENGINE = {
    "policy": set(),
    "turn": set(),
    "sframe": set(),
    "rtp": set(),
    "sdp": set(),
    "sfu": {"rtp"},
    "runtime": {"sfu", "rtp", "sdp", "sframe"},
    "api": {"policy", "turn", "rtp", "sdp", "sfu", "runtime"},
}
PRACTICE = {
    "clinics": set(),
    "practitioners": {"clinics"},
    "patients": {"clinics"},
    "appointments": {"clinics", "practitioners", "patients"},
    "consent": {"clinics", "practitioners", "patients", "appointments"},
    "outbox": {"clinics"},
    "rooms": {"clinics", "practitioners", "patients", "appointments", "consent", "outbox"},
    "recordings": {"clinics", "patients", "appointments", "consent", "rooms"},
    "demo": {"clinics", "practitioners", "patients", "appointments", "consent", "outbox", "rooms", "recordings"},
}
PLATFORM = {
    "lib": set(),
    "vault": {"lib"},
    "dbrules": {"lib"},
    "accounts": {"vault", "lib"},
    "audit": {"accounts", "vault", "dbrules", "lib"},
}
PLATFORM_FOR_PRACTICE = {"lib", "vault", "dbrules", "accounts", "audit"}
WIRING = {
    "telemed",
    "telemed.urls",
    "telemed.asgi",
    "telemed.settings",
    "telemed.celery",
    "telemed.server",
    "telemed.routing",
    # The command that starts the demo's server.
    # The commands that start the server.
    "consultations.demo.management.commands.demo",
    "consultations.rooms.management.commands.serve",
}


def read_sources(root: Path = ROOT) -> dict[str, str]:
    """Every Python module of the three packages, migrations left out (they freeze the past)."""
    sources = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            if "migrations" not in file.parts:
                parts = file.relative_to(root).with_suffix("").parts
                sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file.read_text()
    return sources


def imports(module: str, text: str, *, is_package: bool) -> Iterator[str]:
    """Dotted names that a module imports, anywhere in it; `from x import y` gives `x.y`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            if node.level:
                base = base[: len(base) - node.level + (1 if is_package else 0)]
                start = ".".join([*base, node.module] if node.module else base)
            else:
                start = node.module or ""
            yield from (f"{start}.{alias.name}" for alias in node.names)


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def all_imports(sources: Sources) -> Iterator[tuple[str, str]]:
    packages = {name.rpartition(".")[0] for name in sources}
    for module, text in sources.items():
        for imported in imports(module, text, is_package=module in packages):
            yield module, imported


def impure(sources: Sources) -> Iterator[str]:
    for module, imported in all_imports(sources):
        if not within(module, PURE):
            continue
        top = imported.split(".")[0]
        own_package = within(imported, PURE) or imported == "__future__"
        if top not in sys.stdlib_module_names and not own_package:
            yield f"{module} is pure and imports {imported}"
        if within(module, SANS_IO) and within(imported, tuple(WORLD)) and imported != "random.Random":
            yield f"{module} is pure and imports {imported}: time, chance and the world come in as arguments"
    for module, text in sources.items():
        if not within(module, SANS_IO):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id == "open":
                yield f"{module}:{node.lineno} is pure and opens a file"
            if isinstance(node.func, ast.Attribute) and node.func.attr in {"now", "utcnow", "today"}:
                yield f"{module}:{node.lineno} is pure and asks the clock"


def wrong_way(sources: Sources) -> Iterator[str]:
    """Arrows between and inside the packages that the architecture does not have."""
    for module, imported in all_imports(sources):
        if module in WIRING or imported.split(".")[0] not in {*PACKAGES, "aiortc", "django"}:
            continue
        if not _may_import(module.split("."), imported.split(".")):
            yield f"{module} may not import {imported}"


def _may_import(module: list[str], imported: list[str]) -> bool:
    package, part = module[0], module[1] if len(module) > 1 else ""
    other, other_part = imported[0], imported[1] if len(imported) > 1 else ""
    if other == "aiortc":
        # Simulated participants are clients: they use aiortc as a browser uses WebRTC, and none of the engine.
        return module[:2] == ["media_routing", "runtime"] or module[:3] == ["consultations", "demo", "simulate"]
    if other == "django":
        return not (package == "media_routing" and imported[1:2] == ["db"])
    if package == "media_routing":
        return other == package and (part == "" or other_part == part or other_part in ENGINE.get(part, set()))
    if package == "telemed":
        return other == package and (other_part == part or other_part in PLATFORM.get(part, {"lib"}))
    if other == "media_routing":
        return other_part == "api"
    if other == "telemed":
        return other_part in PLATFORM_FOR_PRACTICE
    return other_part == part or other_part in PRACTICE.get(part, set())


def models_in_the_engine(sources: Sources) -> Iterator[str]:
    for module in sources:
        if module.startswith("media_routing.") and module.split(".")[-1] in {"models", "migrations", "admin"}:
            yield f"{module}: the engine keeps no tables"


JS_MAY_IMPORT = {
    "lib": {"lib"},
    "call": {"lib", "call"},
    "workers": {"lib", "workers"},
    "pages": {"lib", "call", "pages"},
}
JS_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']""")
JS_COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL
)


def read_browser_sources(root: Path = ROOT) -> dict[str, str]:
    base = root / "static" / "js"
    return {file.relative_to(base).as_posix(): file.read_text() for file in sorted(base.rglob("*.js"))}


def wrong_way_in_browser(sources: Sources) -> Iterator[str]:
    """Rule 6; keys are paths below static/js."""
    for path, text in sources.items():
        area = path.split("/")[0]
        if area not in JS_MAY_IMPORT:
            yield f"{path}: no such area"
            continue
        uncommented = re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", text, flags=re.DOTALL)
        for target in JS_IMPORT.findall(uncommented):
            if not target.startswith("."):
                yield f"{path} imports {target}: relative imports only"
                continue
            resolved = _resolve(path, target)
            if resolved.split("/")[0] not in JS_MAY_IMPORT[area]:
                yield f"{path} may not import {resolved}"
            elif resolved not in sources:
                yield f"{path} imports {resolved}, which is not there"
        code = JS_COMMENT_OR_STRING.sub(lambda found: "" if found[0][0] == "/" else '""', text)
        if area != "pages" and re.search(r"\bdocument\b", code):
            yield f"{path} touches the document: only pages/ do"
        if re.search(r"\bRTCPeerConnection\s*\(\s*\)", code):
            yield f"{path} makes an RTCPeerConnection without a configuration"


def _resolve(path: str, target: str) -> str:
    parts = path.split("/")[:-1]
    for step in target.split("/"):
        if step == "..":
            parts = parts[:-1] if parts else [".."]
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def default_peer_connections(sources: Sources) -> Iterator[str]:
    """PRIV-5: without a configuration aiortc asks a STUN server of somebody else."""
    for module, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and not node.args and not node.keywords:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name == "RTCPeerConnection":
                    yield f"{module}:{node.lineno} makes an RTCPeerConnection without a configuration"
