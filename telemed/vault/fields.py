"""EncryptedTextField: a text column whose clear text never reaches the database."""

from typing import Any

from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Value
from django.db.models.functions import Cast
from django.db.models.lookups import Exact

from telemed.vault.keyring import current_ring
from telemed.vault.sealing import seal


class EncryptedTextField(models.TextField):
    """Text encrypted at rest with the first key of FIELD_KEYS, bound to app.Model.field. '' stays ''.

    The database sees a new ciphertext at every save, so nothing can be searched by it: only `isnull` and
    `exact ''` work, every other lookup and every database expression raises FieldError. To find a row by its
    value, store a `blind_index` beside it. Reading raises keyring.DecryptionError when the stored value was
    tampered with. A data migration that writes such a field depends on ("vault", "0001_key_use").
    """

    description = "Encrypted text"

    @property
    def context(self) -> str:
        """What the ciphertext is bound to. Renaming a model or field therefore needs a re-encryption."""
        return f"{self.model._meta.app_label}.{self.model._meta.object_name}.{self.name}"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found: list[checks.CheckMessage] = super().check(**kwargs)
        if self.unique or self.db_index or self.primary_key:  # type: ignore[attr-defined]
            found.append(checks.Error("An encrypted field cannot be indexed or unique.", obj=self, id="vault.E004"))
        return found

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql") or hasattr(value, "resolve_expression"):
            # F("name") or Value("x") would store clear text; bulk_update's own literals come back here one by one.
            if self._encrypts_itself(value):
                return value
            raise self._refuse("it cannot be set from a database expression")
        value = self.get_prep_value(value)
        if value is None or value == "":
            return value
        return seal(value, self.context, connection.alias)

    def _encrypts_itself(self, expression: Any) -> bool:
        """Return whether every result of the expression is a literal of this field (what bulk_update builds)."""
        if isinstance(expression, Value):
            return expression.value is None or getattr(expression, "_output_field_or_none", None) is self
        if isinstance(expression, Case):
            results = [case.result for case in expression.cases] + [expression.default]
            return all(self._encrypts_itself(result) for result in results)
        if isinstance(expression, Cast):
            return all(self._encrypts_itself(source) for source in expression.get_source_expressions())
        return False

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if value is None or value == "":
            return value
        return current_ring().decrypt(value, self.context)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        if lookup_name == "exact":
            return _EmptyOnly
        raise self._refuse(f"'{lookup_name}' cannot work on it")

    def get_transform(self, lookup_name: str) -> Any:
        raise self._refuse(f"'{lookup_name}' cannot work on it")

    def _refuse(self, reason: str) -> FieldError:
        return FieldError(f"{self.context} is encrypted: {reason}")


class _EmptyOnly(Exact):
    """`field=''`: the one comparison that ciphertext allows."""

    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise FieldError("an encrypted field can be compared with '' only; use a blind_index to search")
        return ""
