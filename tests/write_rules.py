"""Rule 5 as functions: who may write, who may turn a code from outside into an object, who writes the audit log."""

import ast
from collections.abc import Iterator

from tests.dependency_rules import Sources

WRITES = {"save", "delete", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
WRITES |= {f"a{name}" for name in WRITES}
QUERYSET_METHODS = {"filter", "exclude", "all", "objects", "select_for_update", "get_queryset"}
OUTSIDE_CODES = {"public_id", "code", "token_hash", "secret_hash"}
LOOKUPS = {"get", "aget", "filter", "get_object_or_404", "first"}
ROW_SIGNALS = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"}


def is_action(module: str) -> bool:
    return "actions" in module.split(".")


def is_access(module: str) -> bool:
    return module.endswith(".access")


def writes_outside_actions(sources: Sources, exempt: dict[str, str]) -> Iterator[str]:
    for module, text in sources.items():
        if is_action(module) or module in exempt:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _writes_rows(node, node.func):
                yield f"{module}:{node.lineno} writes rows ({node.func.attr}) outside actions"


def _writes_rows(node: ast.Call, call: ast.Attribute) -> bool:
    if call.attr in {"save", "asave", "delete", "adelete"}:
        # super().save() passes Django's own work on; a picture is saved to something; a formset is asked for rows.
        receiver = ast.unparse(call.value)
        others = {"form", "formset", "cache", "session", "storage"}
        return not node.args and not receiver.startswith("super()") and receiver.split(".")[-1] not in others
    if call.attr in WRITES or call.attr in {"update", "aupdate"}:
        return bool(_chain(call.value) & QUERYSET_METHODS)
    return False


def _chain(node: ast.expr) -> set[str]:
    names = set()
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
            node = node.value
        else:
            return names


def lookups_outside_access(sources: Sources, exempt: dict[str, str]) -> Iterator[str]:
    """A view, consumer or form that finds an object by its public code by itself."""
    for module, text in sources.items():
        if is_access(module) or module in exempt:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = {(keyword.arg or "").split("__")[-1] for keyword in node.keywords}
            is_query = name == "get_object_or_404" or (
                isinstance(node.func, ast.Attribute) and bool(_chain(node.func.value) & QUERYSET_METHODS)
            )
            if name in LOOKUPS and is_query and (name == "get_object_or_404" or words & OUTSIDE_CODES):
                yield f"{module}:{node.lineno} turns a code into an object outside access"


def audit_written_elsewhere(sources: Sources) -> Iterator[str]:
    for module, text in sources.items():
        if module.startswith("telemed.audit"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith("AuditEntry") or (
                    "AuditEntry.objects" in called and called.split(".")[-1] in WRITES
                ):
                    yield f"{module}:{node.lineno} writes the audit table: only audit.record does"


def row_signals(sources: Sources) -> Iterator[str]:
    for module, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals":
                for alias in node.names:
                    if alias.name in ROW_SIGNALS:
                        yield f"{module}:{node.lineno} hangs work on {alias.name}: write an action"
